"""Random histories of the real coordinator on its real store, and of the real node's link.

Beside `tools.lease_histories`, which drives the leasing alone and is a hundred times as quick:
here a report is written and signed by the firmware, comes in over WSGI, and is committed to SQLite
before its answer goes back. Network, clocks, loads and who fails when are simulated and seeded.
"""

from tools.coordinator_histories.history import STEPS, History, run_histories
from tools.lease_histories import Violation

__all__ = ["STEPS", "History", "Violation", "run_histories"]
