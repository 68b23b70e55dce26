"""What survives a restart: reports, minutes, events, leases, plans, orders, keys and tokens.

`open_store` gives a Store; `with store.read() as db` and `with store.write() as db` give a
connection in a transaction, which the functions of this folder's modules take.
"""

from headroom.store.engine import SCHEMA_VERSION, Store, StoreUnavailableError, open_store

__all__ = ["SCHEMA_VERSION", "Store", "StoreUnavailableError", "open_store"]
