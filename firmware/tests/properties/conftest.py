"""The firmware as plain Python: `node` and fakes are found as the unit tests find them.

The quick profile is that of `make test`, the same boards each time; with
`--hypothesis-profile=thorough` there are hundreds of new ones. Neither shrinks what it finds,
which would replay minutes hundreds of times; a failure tells its seed.
"""

import sys
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings

TESTS = Path(__file__).parent.parent
sys.path[:0] = [str(TESTS.parent), str(TESTS), str(TESTS / "properties")]

common = settings(
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    report_multiple_bugs=False,
)
settings.register_profile("quick", common, max_examples=30, derandomize=True)
settings.register_profile("thorough", common, max_examples=400, print_blob=True)
settings.load_profile("quick")
