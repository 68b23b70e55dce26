"""Max-min fair filling of a tree: everyone rises alike until a cap or a full feeder stops it."""

from collections import Counter
from collections.abc import Mapping


def fill(
    free_ma: dict[str, int], chains: Mapping[str, tuple[str, ...]], caps_ma: Mapping[str, int]
) -> dict[str, int]:
    """What each board gets, at most its cap; takes it from `free_ma` of every feeder above it.

    Equal to the mA but for remainders, which go to the first boards by id.
    """
    given_ma = dict.fromkeys(caps_ma, 0)
    rising = sorted(board for board, cap in caps_ma.items() if cap > 0)
    while rising := [b for b in rising if all(free_ma[feeder] > 0 for feeder in chains[b])]:
        sharing = Counter(feeder for board in rising for feeder in chains[board])
        step_ma = min(free_ma[feeder] // count for feeder, count in sharing.items())
        step_ma = min(step_ma, *(caps_ma[board] - given_ma[board] for board in rising))
        for board in rising:
            part_ma = min([max(step_ma, 1), *(free_ma[feeder] for feeder in chains[board])])
            given_ma[board] += part_ma
            for feeder in chains[board]:
                free_ma[feeder] -= part_ma
        rising = [board for board in rising if given_ma[board] < caps_ma[board]]
    return given_ma
