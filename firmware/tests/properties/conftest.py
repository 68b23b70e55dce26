"""The firmware as plain Python: `node` and fakes are found as the unit tests find them."""

import sys
from pathlib import Path

TESTS = Path(__file__).parent.parent
sys.path[:0] = [str(TESTS.parent), str(TESTS), str(TESTS / "properties")]
