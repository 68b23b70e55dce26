"""When which relay was closed, as text beside a failing test and as a picture in the report."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hil_tests.targets.interface import RelayEdge

_COLUMNS = 72
_LISTED = 40
# Of the picture, in its own units.
_WIDTH, _LEFT, _ROW, _AXIS = 720, 34, 18, 18


def spans(edges: Sequence[RelayEdge], relay: int, end_s: float) -> list[tuple[float, float]]:
    """From when to when the relay was closed."""
    found: list[tuple[float, float]] = []
    since: float | None = None
    for edge in edges:
        if edge.relay != relay:
            continue
        if edge.closed and since is None:
            since = edge.at_s
        elif not edge.closed and since is not None:
            found.append((since, edge.at_s))
            since = None
    return [*found, (since, end_s)] if since is not None else found


def count(edges: Sequence[RelayEdge]) -> int:
    """How many relays there are to be shown."""
    return max((edge.relay + 1 for edge in edges), default=0)


def text(edges: Sequence[RelayEdge], end_s: float) -> str:
    """A line for each relay, then its last edges one by one: what a failing test shows."""
    if not edges:
        return f"no relay has moved in {end_s:.1f} s"
    lines = [f"     0 s{f'{end_s:.1f} s':>{_COLUMNS - 3}}"]
    for relay in range(count(edges)):
        row = [" "] * _COLUMNS
        for from_s, to_s in spans(edges, relay, end_s):
            first, last = (int(at / end_s * (_COLUMNS - 1)) for at in (from_s, to_s))
            row[first : last + 1] = "█" * (last - first + 1)
        lines.append(f"RY{relay + 1} |{''.join(row)}|")
    lines += [
        f"{edge.at_s:12.4f} s  RY{edge.relay + 1} {'closes' if edge.closed else 'opens'}"
        for edge in edges[-_LISTED:]
    ]
    return "\n".join(lines)


def svg(edges: Sequence[RelayEdge], end_s: float) -> str:
    """A picture: a row for each relay, a bar where it is closed, each bar with its times."""
    rows = count(edges)
    scale = (_WIDTH - _LEFT) / end_s
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {rows * _ROW + _AXIS}" role="img" '
        f'aria-label="when each relay was closed, in {end_s:.0f} s">'
    ]
    for at_s in _ticks(end_s):
        x = _LEFT + at_s * scale
        parts.append(
            f'<path class="grid" d="M{x:.1f} 0V{rows * _ROW}"/>'
            f'<text class="axis" x="{x:.1f}" y="{rows * _ROW + 13}">{at_s:g}</text>'
        )
    for relay in range(rows):
        y = relay * _ROW
        parts.append(f'<text class="relay" x="0" y="{y + 13}">RY{relay + 1}</text>')
        for from_s, to_s in spans(edges, relay, end_s):
            parts.append(
                f'<rect x="{_LEFT + from_s * scale:.2f}" y="{y + 3}" height="{_ROW - 6}" '
                f'width="{max((to_s - from_s) * scale, 0.6):.2f}">'
                f"<title>RY{relay + 1} closed from {from_s:.3f} to {to_s:.3f} s</title></rect>"
            )
    return "".join([*parts, f'<text class="axis" x="0" y="{rows * _ROW + 13}">s</text>', "</svg>"])


def _ticks(end_s: float) -> list[float]:
    """Round times, at most ten of them, the last well before the end."""
    power = 10.0 ** math.floor(math.log10(end_s / 8))
    step_s = next(power * k for k in (1, 2, 5, 10) if end_s / (power * k) <= 9)
    return [round(k * step_s, 6) for k in range(int(end_s / step_s) + 1)]
