"""The share rule: by table, and what holds of it whatever is asked for."""

from dataclasses import replace
from random import Random

import pytest
from headroom.allocation.claims import FIRST, Claim, Demand
from headroom.allocation.filling import fill
from headroom.allocation.prospects import FRESH_S
from headroom.allocation.share import TURN_S, share
from headroom.allocation.tree import Leaf, Node, Tree
from headroom.phases import PhaseMa
from hypothesis import given, settings
from hypothesis import strategies as st

SAFE_MA = 500
EQUAL = (4, 4)


def shares(tree: Tree, demands: dict[str, Demand]) -> dict[str, PhaseMa]:
    return dict(share(tree, demands).targets_ma)


def l1(ma: int) -> PhaseMa:
    return (ma, 0, 0)


def flat_tree(limit_ma: int, boards: str, safe_ma: int = SAFE_MA) -> Tree:
    leaves = {board: Leaf("riser", l1(safe_ma)) for board in boards}
    return Tree({"riser": Node(l1(limit_ma), l1(0))}, leaves)


def runs(ma: int, rank: tuple[int, int] = EQUAL) -> Claim:
    return Claim(0, 0, rank, ma)


def waits(ma: int, rank: tuple[int, int] = EQUAL, waited_s: float = 0.0) -> Claim:
    return Claim(1, 0, rank, ma, waited_s, running=False)


def unknown(ma: int, rank: tuple[int, int] = EQUAL) -> Claim:
    return replace(waits(ma, rank), known=False)


def asked(**claims: Claim | list[Claim]) -> dict[str, Demand]:
    return {b: Demand(tuple(c) if isinstance(c, list) else (c,)) for b, c in claims.items()}


def targets(tree: Tree, **claims: Claim | list[Claim]) -> dict[str, int]:
    given_ma = share(tree, asked(**claims)).targets_ma
    return {board: target[0] for board, target in given_ma.items()}


# What runs needs 26/25 of what it draws, what is to come back 20/19.
@pytest.mark.parametrize(
    ("limit", "claims", "expected"),
    [
        # Nobody asks: everyone keeps its safe limit.
        (3000, {}, {"a": 500, "b": 500}),
        # A claim within the safe limit takes nothing from others.
        (3000, {"a": runs(480)}, {"a": 500, "b": 500}),
        (3000, {"a": runs(1900), "b": runs(900)}, {"a": 1976, "b": 936}),
        # The larger of two equals; the other would not have been of use in part.
        (3000, {"a": runs(2100), "b": runs(900)}, {"a": 2184, "b": 500}),
        # What runs stays, whatever waits.
        (3000, {"a": runs(2100), "b": waits(1000)}, {"a": 2184, "b": 500}),
        # Unless it has waited for its turn, or comes first by priority.
        (3000, {"a": runs(2100), "b": waits(1000, waited_s=TURN_S)}, {"a": 500, "b": 1053}),
        (3000, {"a": runs(2100), "b": waits(1000, (4, 3))}, {"a": 500, "b": 1053}),
        (3000, {"a": runs(2100, (3, 8)), "b": waits(1000, (4, 1), TURN_S)}, {"a": 2184, "b": 500}),
        # What cannot be shed comes before everything, and gets what there is.
        (3000, {"a": runs(2100, (1, 1)), "b": runs(1200, FIRST)}, {"a": 500, "b": 1248}),
        (3000, {"a": waits(4000, FIRST)}, {"a": 2500, "b": 500}),
        # What is not known may be less: it gets what its equals leave, before lower priorities.
        (3000, {"a": unknown(4000), "b": runs(900)}, {"a": 2064, "b": 936}),
        (3000, {"a": unknown(4000, (4, 3)), "b": runs(900)}, {"a": 2500, "b": 500}),
        # One board's claims use its safe limit once.
        (3000, {"a": [unknown(200), runs(200)]}, {"a": 500, "b": 500}),
        (3000, {"a": [runs(400), waits(400)]}, {"a": 843, "b": 500}),
    ],
)
def test_share(limit: int, claims: dict[str, Claim], expected: dict[str, int]) -> None:
    assert targets(flat_tree(limit, "ab"), **claims) == expected


def test_a_larger_load_takes_the_place_of_one_only_where_that_pays() -> None:
    tree = flat_tree(12_000, "ab", safe_ma=0)
    assert share(tree, asked(a=runs(9000), b=waits(11_200))).served == {("b", 1)}
    assert share(tree, asked(a=runs(9000), b=waits(10_800))).served == {("a", 0)}


def test_a_change_that_has_been_decided_on_is_carried_out() -> None:
    tree = flat_tree(12_000, "ab", safe_ma=0)
    # The smaller one has gone, the larger one is not there yet.
    gone = asked(a=waits(9000), b=waits(9100))
    assert share(tree, gone, served={("b", 1)}).served == {("b", 1)}
    assert share(tree, gone, served={("a", 1)}).served == {("a", 1)}


def test_two_make_way_for_one_that_fills_what_they_left_over() -> None:
    tree = flat_tree(12_000, "abc", safe_ma=0)
    demands = asked(a=runs(4000), b=runs(4000), c=waits(11_300))
    assert share(tree, demands).served == {("c", 1)}


def test_what_has_just_come_back_stays() -> None:
    tree = flat_tree(12_000, "ab", safe_ma=0)
    back = replace(runs(5000), ran_s=FRESH_S - 1)
    assert share(tree, asked(a=back, b=waits(8000))).served == {("a", 0)}
    assert share(tree, asked(a=back, b=waits(8000, waited_s=TURN_S))).served == {("a", 0)}
    assert share(tree, asked(a=back, b=waits(8000, (4, 3)))).served == {("b", 1)}
    settled = replace(back, ran_s=FRESH_S)
    assert share(tree, asked(a=settled, b=waits(8000))).served == {("b", 1)}


def test_a_board_that_would_go_on_with_another_load_makes_way_first() -> None:
    tree = flat_tree(10_000, "a", safe_ma=0)
    claims = [runs(3000), waits(8000, waited_s=TURN_S)]
    shared = share(tree, asked(a=claims))
    # Nothing runs under what it gets first; then there is room for the load whose turn it is.
    assert shared.targets_ma["a"] == l1(0)
    assert shared.served == {("a", 1)}
    then = [replace(waits(3000), circuit=0), claims[1]]
    assert share(tree, asked(a=then), shared.served).targets_ma["a"] == l1(8422)


def test_what_nobody_claims_goes_to_loads_that_vary_then_to_all_that_could_use_it() -> None:
    demands = {
        "a": Demand((runs(1000),), varying_ma=l1(400), most_ma=l1(4000)),
        "b": Demand((runs(400),), varying_ma=l1(100), most_ma=l1(1000)),
    }
    assert shares(flat_tree(1800, "ab"), demands) == {"a": l1(1284), "b": l1(516)}
    assert shares(flat_tree(5000, "ab"), demands) == {"a": l1(4000), "b": l1(1000)}


def test_a_feeder_on_another_shares_its_limit_too() -> None:
    nodes = {
        "main": Node(l1(4000), l1(200)),
        "barn": Node(l1(2000), l1(300), "main"),
        "house": Node(l1(3500), l1(0), "main"),
    }
    tree = Tree(nodes, {"a": Leaf("barn", l1(500)), "b": Leaf("house", l1(500))})
    # 4000 less 200 and 300 uncontrolled are 3500 for both; the barn carries 1700 beside its 300.
    assert targets(tree, a=runs(1600), b=runs(1700)) == {"a": 1664, "b": 1768}
    assert targets(tree, a=runs(1650), b=runs(1700)) == {"a": 500, "b": 1768}
    assert targets(tree, a=runs(1600), b=runs(1800)) == {"a": 500, "b": 1872}


@pytest.mark.parametrize(
    ("free", "caps", "expected"),
    [
        (30, {"a": 40, "b": 12}, {"a": 18, "b": 12}),
        (31, {"a": 40, "b": 40}, {"a": 16, "b": 15}),
        (30, {"a": 10, "b": 0}, {"a": 10, "b": 0}),
        (0, {"a": 10, "b": 10}, {"a": 0, "b": 0}),
    ],
)
def test_fill(free: int, caps: dict[str, int], expected: dict[str, int]) -> None:
    left = {"riser": free}
    assert fill(left, dict.fromkeys(caps, ("riser",)), caps) == expected
    assert left["riser"] == free - sum(expected.values())


currents = st.integers(0, 60_000)
phases_ma = st.tuples(currents, currents, currents)
claims = st.builds(
    Claim,
    circuit=st.integers(0, 3),
    phase=st.integers(0, 2),
    rank=st.just(FIRST) | st.tuples(st.integers(1, 3), st.integers(1, 3)),
    current_ma=currents,
    waited_s=st.sampled_from([0.0, 600.0, TURN_S, 2 * TURN_S]),
    ran_s=st.sampled_from([0.0, FRESH_S]),
    running=st.booleans(),
    known=st.booleans(),
)


def of_one_board(claims: list[Claim], priority: int) -> tuple[Claim, ...]:
    """Numbered, under the board's own priority."""
    return tuple(
        replace(c, circuit=n, rank=c.rank if c.rank == FIRST else (priority, c.rank[1]))
        for n, c in enumerate(claims)
    )


demands_of_one = st.builds(
    Demand,
    st.builds(of_one_board, st.lists(claims, max_size=4), st.integers(1, 3)),
    varying_ma=phases_ma,
    most_ma=phases_ma,
)


@st.composite
def sites(draw: st.DrawFn) -> tuple[Tree, dict[str, Demand]]:
    """Up to four feeders one below the other or side by side, whose safe limits fit."""
    feeders = [f"f{n}" for n in range(draw(st.integers(1, 4)))]
    parents = {f: draw(st.sampled_from(feeders[:n])) for n, f in enumerate(feeders) if n}
    boards = [f"b{n}" for n in range(draw(st.integers(1, 6)))]
    small = st.tuples(*[st.integers(0, 9_000)] * 3)
    leaves = {b: Leaf(draw(st.sampled_from(feeders)), draw(small)) for b in boards}
    loose = {f: Node((0, 0, 0), draw(small), parents.get(f)) for f in feeders}
    tree = Tree(loose, leaves)
    nodes = {f: replace(n, limit_ma=draw(limits_over(tree, f))) for f, n in loose.items()}
    asking = draw(st.lists(st.sampled_from(boards), unique=True))
    return Tree(nodes, leaves), {board: draw(demands_of_one) for board in asking}


def limits_over(tree: Tree, feeder: str) -> st.SearchStrategy[PhaseMa]:
    """At least what is uncontrolled and what boards have without a lease."""
    least = committed_ma(tree, {board: leaf.safe_ma for board, leaf in tree.boards.items()})
    return st.tuples(*[st.integers(0, 60_000).map(least[feeder][p].__add__) for p in range(3)])


def committed_ma(tree: Tree, targets_ma: dict[str, PhaseMa]) -> dict[str, PhaseMa]:
    """What flows through each feeder at most."""
    sums = {feeder: list(ma) for feeder, ma in tree.uncontrolled_ma.items()}
    for board, target in targets_ma.items():
        for feeder in tree.chain_of(board):
            sums[feeder] = [a + b for a, b in zip(sums[feeder], target, strict=True)]
    return {feeder: (s[0], s[1], s[2]) for feeder, s in sums.items()}


@settings(max_examples=50, deadline=None)
@given(sites())
def test_no_feeder_is_above_its_limit_and_no_board_below_its_safe_limit(
    site: tuple[Tree, dict[str, Demand]],
) -> None:
    tree, demands = site
    given_ma = shares(tree, demands)
    for feeder, flows in committed_ma(tree, given_ma).items():
        limit = tree.nodes[feeder].limit_ma
        assert all(ma <= most for ma, most in zip(flows, limit, strict=True)), feeder
    for board, leaf in tree.boards.items():
        assert all(ma >= safe for ma, safe in zip(given_ma[board], leaf.safe_ma, strict=True))


@settings(max_examples=50, deadline=None)
@given(sites())
def test_nothing_that_could_be_used_is_left_over(site: tuple[Tree, dict[str, Demand]]) -> None:
    tree, demands = site
    shared = share(tree, demands)
    given_ma = dict(shared.targets_ma)
    flows = committed_ma(tree, given_ma)
    for board, demand in demands.items():
        if any(c.running and (board, c.circuit) not in shared.served for c in demand.claims):
            continue  # something makes way there
        for p in range(3):
            chain = tree.chain_of(board)
            full = any(flows[feeder][p] >= tree.nodes[feeder].limit_ma[p] for feeder in chain)
            assert full or given_ma[board][p] >= demand.most_ma[p]


@settings(max_examples=50, deadline=None)
@given(sites(), st.randoms())
def test_the_order_in_which_boards_are_told_of_makes_no_difference(
    site: tuple[Tree, dict[str, Demand]], order: Random
) -> None:
    tree, demands = site
    boards, asking = list(tree.boards.items()), list(demands.items())
    order.shuffle(boards)
    order.shuffle(asking)
    assert share(Tree(tree.nodes, dict(boards)), dict(asking)) == share(tree, demands)


@settings(max_examples=50, deadline=None)
@given(sites())
def test_a_higher_priority_never_takes_anything_from_its_board(
    site: tuple[Tree, dict[str, Demand]],
) -> None:
    tree, demands = site
    firm = {b: Demand(d.claims[:1]) for b, d in demands.items()}
    for board, demand in firm.items():
        for claim in demand.claims:
            raised = firm | {board: Demand((replace(claim, rank=(1, 0)),))}
            if claim.rank > (1, 0):
                before, after = shares(tree, firm)[board], shares(tree, raised)[board]
                assert all(a >= b for a, b in zip(after, before, strict=True))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(100, 2000), min_size=2, max_size=6), st.integers(0, 4000))
def test_everyone_whose_load_fits_alone_gets_its_turn(amounts: list[int], spare: int) -> None:
    boards = "abcdef"[: len(amounts)]
    tree = flat_tree(max(amounts) * 20 // 19 + 1 + spare, boards, safe_ma=0)
    waited_s = dict.fromkeys(boards, 0.0)
    served: set[str] = set()
    before: frozenset[tuple[str, int]] = frozenset()
    for _ in range(3 * len(boards) + 3):
        demands = {
            board: Demand((Claim(0, 0, EQUAL, ma, waited_s[board], running=not waited_s[board]),))
            for board, ma in zip(boards, amounts, strict=True)
        }
        before = share(tree, demands, before).served
        now = {board for board, _ in before}
        served |= now
        waited_s = {b: 0.0 if b in now else waited_s[b] + TURN_S / 2 for b in boards}
    assert served == set(boards)
