"""Shares of feeders that have nothing in common: each in its time, and none is forgotten."""

from dataclasses import dataclass, field

from headroom.coordinator.demands import Demands
from headroom.coordinator.sharing import Sharing
from headroom.protocol.messages import CircuitReading, Report
from headroom.site import Site, parse_site
from tests.support import site_document

SAFE_MA = 1000
FEEDERS = 4
# Sharing out takes half a second of this clock, and is done for a fiftieth of the time.
PAUSE_S = 50 * 0.5
LATER_S = 1e9


@dataclass
class SlowClock:
    """Half a second passes whenever it is looked at."""

    now_s: float = 0.0

    def monotonic_s(self) -> float:
        """See Clock."""
        self.now_s += 0.5
        return self.now_s

    def unix_s(self) -> float:
        """See Clock."""
        return self.now_s


def site() -> Site:
    """Feeders, each with a board of its own; on the first hangs another, with a second board."""
    document = site_document(FEEDERS + 1)
    names = [*(f"riser-{n}" for n in range(1, FEEDERS + 1)), "below"]
    document["feeders"] = [{"id": name, "rating_ma": {"L1": 16_000}} for name in names]
    document["feeders"][-1]["parent"] = "riser-1"
    for board, name in zip(document["boards"], names, strict=True):
        board |= {"feeder": name, "safe_limit_ma": {"L1": SAFE_MA}}
    return parse_site(document)


@dataclass
class Shared:
    """Shares of that site, made when no board had reported; then all of them want 3 A."""

    site: Site = field(default_factory=site)
    clock: SlowClock = field(default_factory=SlowClock)

    def __post_init__(self) -> None:
        demands = Demands()
        self.sharing = Sharing(self.site.tree(), demands, self.clock)
        for board in self.site.boards:
            readings = tuple(CircuitReading(3000, 20, "ok", 1, "default") for _ in board.circuits)
            demands.learn(board, Report.model_construct(circuits=readings, minutes=()), LATER_S)

    def target_ma(self, board: str) -> int:
        """What a board should have on its phase."""
        return self.sharing.target_ma(board)[0]


def test_trees_that_hang_on_nothing_in_common_are_told_apart() -> None:
    apart = site().tree().apart
    assert list(apart) == [f"riser-{n}" for n in range(1, FEEDERS + 1)]
    assert list(apart["riser-1"].nodes) == ["riser-1", "below"]
    assert list(apart["riser-1"].boards) == ["flat-1", "flat-5"]
    assert list(apart["riser-4"].boards) == ["flat-4"]


def test_sharing_out_waits_until_it_is_a_fiftieth_of_the_time() -> None:
    shared = Shared()
    assert shared.target_ma("flat-1") == SAFE_MA
    shared.clock.now_s += PAUSE_S
    assert shared.target_ma("flat-1") > SAFE_MA


def test_every_tree_has_its_turn_although_its_boards_never_come_in_time() -> None:
    shared = Shared()
    for _ in range(FEEDERS):
        shared.clock.now_s += PAUSE_S
        shared.target_ma("flat-1")
    assert all(shared.target_ma(board.id) > SAFE_MA for board in shared.site.boards)
