"""What survives a restart: reports, minutes, events, leases, plans, orders, keys and tokens.

`open_store` gives a Store; `with store.read() as db` and `with store.write() as db` give a
connection in a transaction, which the functions of this folder's modules take.
"""

from headroom.store.engine import Store, open_store
from headroom.store.errors import StoreUnavailableError

__all__ = ["Store", "StoreUnavailableError", "open_store"]
