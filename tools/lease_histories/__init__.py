"""Random histories of boards, coordinators and a bad network, against the lease rule.

The coordinator's leasing and the firmware's planning are the real ones. What lies between them,
the store, the network, the clocks and who fails when, is simulated and seeded: the same seed gives
the same history. After every step the rule is checked on a true clock by what boards believe.
"""

from tools.lease_histories.history import History, run_histories
from tools.lease_histories.random_steps import Violation

__all__ = ["History", "Violation", "run_histories"]
