"""The earliest that a miniature circuit-breaker may trip: IEC 60898-1, characteristics B, C and D.

The standard publishes points, not a curve (its table of time-current operating characteristics;
repeated in makers' manuals, for instance IEK VA47-100, table 2, manualshive.com/en/manual/iek/
va47-100/620093?page=10, and for B's magnetic range ti-soft.com, "Tripping curves"):

    1.13 times the rating    no trip within 1 h (2 h above 63 A)
    2.55 times               trips after 1 s at the earliest
    3 (B), 5 (C), 10 (D)     trips after 0.1 s at the earliest; above, at once

Between two points the lower edge is taken as a straight line over the logarithms of both, which is
an assumption: a maker's own curve counts where there is one. Ratings do not come into it, but for
63 A, above which the first point is later than is reckoned with here.
"""

from __future__ import annotations

import math

RATINGS_A = (6, 10, 13, 16, 20, 25, 32, 40, 50, 63)
MAGNETIC = {"B": 3.0, "C": 5.0, "D": 10.0}
_HOLDS = (1.13, 3600.0)
_THERMAL = (2.55, 1.0)
_MAGNETIC_S = 0.1


def earliest_trip_s(kind: str, multiple: float) -> float:
    """When a cold ``kind`` (B, C, D) may trip at ``multiple`` of its rating.

    Up to 1.13 this is the hour that the standard asks for, and the breaker holds on; above the
    magnetic threshold it is 0.
    """
    if multiple > MAGNETIC[kind]:
        return 0.0
    if multiple <= _HOLDS[0]:
        return _HOLDS[1]
    if multiple <= _THERMAL[0]:
        return _between(_HOLDS, _THERMAL, multiple)
    return _between(_THERMAL, (MAGNETIC[kind], _MAGNETIC_S), multiple)


def _between(a: tuple[float, float], b: tuple[float, float], multiple: float) -> float:
    share = math.log(multiple / a[0]) / math.log(b[0] / a[0])
    return math.exp(math.log(a[1]) + share * math.log(b[1] / a[1]))
