"""Packing against every combination there is."""

from itertools import product
from math import inf
from random import Random

from headroom.allocation.packing import Option, pack, undominated

CHAINS = {f"b{n}": (f"riser-{n % 2}", "main") for n in range(6)}


def drawn_options(rng: Random) -> list[Option[int]]:
    """Sums of up to four loads; nothing at all is among them."""
    loads = [rng.randrange(1000, 9000) for _ in range(rng.randint(1, 4))]
    sums = {
        sum(x for n, x in enumerate(loads) if bits >> n & 1) for bits in range(1 << len(loads))
    }
    return undominated([Option(ma, ma, ma) for ma in sums])


def best_worth(free_ma: dict[str, int], options: dict[str, list[Option[int]]]) -> float:
    best = -inf
    for chosen in product(*options.values()):
        flows = dict.fromkeys(free_ma, 0)
        for board, option in zip(options, chosen, strict=True):
            for feeder in CHAINS[board]:
                flows[feeder] += option.needs_ma
        if all(flows[feeder] <= free for feeder, free in free_ma.items()):
            best = max(best, sum(option.worth for option in chosen))
    return best


def test_little_is_left_over() -> None:
    rng = Random(4)
    for _ in range(40):
        boards = list(CHAINS)[: rng.randint(1, 4)]
        options = {board: drawn_options(rng) for board in boards}
        free_ma = {"main": 30_000, "riser-0": 20_000, "riser-1": 15_000}
        best = best_worth(free_ma, options)
        start = {board: rng.choice(some) for board, some in options.items()}
        left_ma = dict(free_ma)
        chosen = pack(left_ma, CHAINS, options, start)
        assert sum(option.worth for option in chosen.values()) >= 0.97 * best
        taken_ma = sum(option.needs_ma for option in chosen.values())
        assert left_ma["main"] == free_ma["main"] - taken_ma
        assert min(left_ma.values()) >= 0


def test_what_needs_more_and_is_worth_no_more_is_no_option() -> None:
    some = [Option(0, 0, "a"), Option(5, 5, "b"), Option(6, 5, "c"), Option(5, 4, "d")]
    assert [option.what for option in undominated(some)] == ["a", "b"]


def test_a_site_of_many_boards_is_packed_one_at_a_time() -> None:
    chains = {f"b{n:03}": ("main",) for n in range(100)}
    options = {board: [Option(0, 0, 0), Option(1000, 1000, 1)] for board in chains}
    start = {board: some[1] for board, some in options.items() if board >= "b050"}
    free_ma = {"main": 60_500}
    chosen = pack(free_ma, chains, options, start)
    # Who has begun with it keeps it; the others get what is left, in their order.
    assert {board for board, option in chosen.items() if option.what} == {
        board for board in chains if board >= "b050" or board < "b010"
    }
    assert free_ma == {"main": 500}
