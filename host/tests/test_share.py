"""The share rule: by table, and what holds of it whatever is asked for."""

from dataclasses import replace
from random import Random

import pytest
from headroom.allocation.filling import fill
from headroom.allocation.share import FIRST, TURN_S, Claim, Demand, share
from headroom.allocation.tree import Leaf, Node, Tree
from headroom.phases import PhaseMa
from hypothesis import given, settings
from hypothesis import strategies as st

SAFE_MA = 5
EQUAL = (4, 4)


def shares(tree: Tree, demands: dict[str, Demand]) -> dict[str, PhaseMa]:
    return dict(share(tree, demands).targets_ma)


def l1(ma: int) -> PhaseMa:
    return (ma, 0, 0)


def flat_tree(limit_ma: int, boards: str) -> Tree:
    leaves = {board: Leaf("riser", l1(SAFE_MA)) for board in boards}
    return Tree({"riser": Node(l1(limit_ma), l1(0))}, leaves)


def runs(ma: int, rank: tuple[int, int] = EQUAL) -> Claim:
    return Claim(0, 0, rank, ma)


def waits(ma: int, rank: tuple[int, int] = EQUAL, waited_s: float = 0.0) -> Claim:
    return Claim(1, 0, rank, ma, waited_s, running=False)


def targets(tree: Tree, **claims: Claim | list[Claim]) -> dict[str, int]:
    demands = {b: Demand(tuple(c) if isinstance(c, list) else (c,)) for b, c in claims.items()}
    return {board: target[0] for board, target in share(tree, demands).targets_ma.items()}


@pytest.mark.parametrize(
    ("limit", "claims", "expected"),
    [
        # Nobody asks: everyone keeps its safe limit.
        (30, {}, {"a": 5, "b": 5}),
        # A claim within the safe limit takes nothing from others.
        (30, {"a": runs(5)}, {"a": 5, "b": 5}),
        (30, {"a": runs(20), "b": runs(10)}, {"a": 20, "b": 10}),
        # The larger of two equals; the other would not have been of use in part.
        (30, {"a": runs(21), "b": runs(10)}, {"a": 21, "b": 5}),
        # What runs stays, whatever waits.
        (30, {"a": runs(21), "b": waits(10)}, {"a": 21, "b": 5}),
        # Unless it has waited for its turn, or comes first by priority.
        (30, {"a": runs(21), "b": waits(10, waited_s=TURN_S)}, {"a": 5, "b": 10}),
        (30, {"a": runs(21), "b": waits(10, (4, 3))}, {"a": 5, "b": 10}),
        (30, {"a": runs(21, (3, 8)), "b": waits(10, (4, 1), TURN_S)}, {"a": 21, "b": 5}),
        # What cannot be shed comes before everything.
        (30, {"a": runs(21, (1, 1)), "b": runs(12, FIRST)}, {"a": 5, "b": 12}),
        # One board's claims use its safe limit once.
        (30, {"a": [runs(4), waits(4)]}, {"a": 8, "b": 5}),
    ],
)
def test_share(limit: int, claims: dict[str, Claim], expected: dict[str, int]) -> None:
    assert targets(flat_tree(limit, "ab"), **claims) == expected


def test_what_was_served_stays_whatever_a_trial_looks_like() -> None:
    demands = {"a": Demand((runs(12),)), "b": Demand((runs(14),)), "c": Demand((runs(9),))}
    tree = flat_tree(31, "abc")
    assert share(tree, demands).served == {("a", 0), ("b", 0)}
    assert share(tree, demands, served={("a", 0), ("c", 0)}).served == {("a", 0), ("c", 0)}


def test_a_larger_load_takes_the_place_of_one_that_uses_clearly_less() -> None:
    demands = {"a": Demand((runs(9000),)), "b": Demand((waits(10_200),))}
    tree = Tree({"riser": Node(l1(11_000), l1(0))}, {b: Leaf("riser", l1(0)) for b in "ab"})
    assert share(tree, demands, served={("a", 0)}).served == {("b", 1)}
    close = {"a": demands["a"], "b": Demand((waits(9400),))}
    assert share(tree, close, served={("a", 0)}).served == {("a", 0)}


def test_what_is_not_known_or_cannot_be_shed_gets_what_there_is() -> None:
    unknown = replace(waits(40), divisible=True)
    assert targets(flat_tree(30, "ab"), a=unknown) == {"a": 25, "b": 5}


def test_what_nobody_claims_goes_to_loads_that_vary_then_to_all_that_could_use_it() -> None:
    demands = {
        "a": Demand((runs(10),), varying_ma=l1(4), most_ma=l1(40)),
        "b": Demand((runs(4),), varying_ma=l1(1), most_ma=l1(10)),
    }
    assert shares(flat_tree(18, "ab"), demands) == {"a": l1(13), "b": l1(5)}
    assert shares(flat_tree(50, "ab"), demands) == {"a": l1(40), "b": l1(10)}


def test_a_feeder_on_another_shares_its_limit_too() -> None:
    nodes = {
        "main": Node(l1(40), l1(2)),
        "barn": Node(l1(20), l1(3), "main"),
        "house": Node(l1(35), l1(0), "main"),
    }
    tree = Tree(nodes, {"a": Leaf("barn", l1(5)), "b": Leaf("house", l1(5))})
    # 40 less 2 and 3 uncontrolled are 35 for both; the barn carries 17 beside its own 3.
    assert targets(tree, a=runs(17), b=runs(18)) == {"a": 17, "b": 18}
    assert targets(tree, a=runs(18), b=runs(18)) == {"a": 5, "b": 18}
    assert targets(tree, a=runs(17), b=runs(19)) == {"a": 5, "b": 19}


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
    amount_ma=currents,
    waited_s=st.sampled_from([0.0, 600.0, TURN_S, 2 * TURN_S]),
    running=st.booleans(),
    divisible=st.booleans(),
)
demands_of_one = st.builds(
    Demand, st.lists(claims, max_size=4).map(tuple), varying_ma=phases_ma, most_ma=phases_ma
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
    given_ma = shares(tree, demands)
    flows = committed_ma(tree, given_ma)
    for board, demand in demands.items():
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
@given(sites(), st.integers(1, 40_000))
def test_more_room_serves_more_in_the_order_of_turns(
    site: tuple[Tree, dict[str, Demand]], more_ma: int
) -> None:
    """Lexicographically: with room for a later one, an earlier one is never given up."""
    tree, demands = site
    firm = {b: Demand(d.claims[:1]) for b, d in demands.items()}
    nodes = {f: replace(n, limit_ma=add(n.limit_ma, more_ma)) for f, n in tree.nodes.items()}
    before, after = shares(tree, firm), shares(replace(tree, nodes=nodes), firm)
    asked = [(b, d.claims[0]) for b, d in firm.items() if d.claims]
    asked = [(b, c) for b, c in asked if not c.divisible]
    changed = [
        (claim.rank, before[board][claim.phase] < after[board][claim.phase])
        for board, claim in asked
        if before[board][claim.phase] != after[board][claim.phase]
    ]
    if changed:
        best = min(rank for rank, _ in changed)
        assert any(rose for rank, rose in changed if rank == best)


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


def add(values: PhaseMa, ma: int) -> PhaseMa:
    return (values[0] + ma, values[1] + ma, values[2] + ma)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 20), min_size=2, max_size=6), st.integers(0, 40))
def test_everyone_whose_load_fits_alone_gets_its_turn(amounts: list[int], spare: int) -> None:
    boards = [f"b{n}" for n in range(len(amounts))]
    tree = Tree(
        {"riser": Node(l1(max(amounts) + spare), l1(0))},
        {board: Leaf("riser", l1(0)) for board in boards},
    )
    waited_s = dict.fromkeys(boards, 0.0)
    served: set[str] = set()
    before: frozenset[tuple[str, int]] = frozenset()
    for _ in range(3 * len(boards) + 3):
        demands = {
            board: Demand((Claim(0, 0, EQUAL, ma, waited_s[board], waited_s[board] == 0),))
            for board, ma in zip(boards, amounts, strict=True)
        }
        before = share(tree, demands, before).served
        now = {board for board, _ in before}
        served |= now
        waited_s = {b: 0.0 if b in now else waited_s[b] + TURN_S / 2 for b in boards}
    assert served == set(boards)
