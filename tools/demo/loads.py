"""The demo's measured loads."""

from __future__ import annotations

import csv
from pathlib import Path

from boards.virtual.plant import Trace

SPEED = 60  # times faster than they were measured: a minute lasts a second


def load_traces(path: Path = Path(__file__).parent / "loads.csv") -> dict[str, list[Trace]]:
    """For each flat the loads of its four circuits, in the order of the site file."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    flats: dict[str, list[Trace]] = {}
    for column in [name for name in rows[0] if name != "minute"]:
        values = [float(row[column]) for row in rows]
        flats.setdefault(column.split(" ")[0], []).append(Trace(values, 60 / SPEED))
    return flats
