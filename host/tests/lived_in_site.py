"""A site with four hours behind it: flats whose loads were measured, and a garage."""

import csv
from pathlib import Path
from typing import Any, get_args

from headroom.history.recorder import Recorder
from headroom.protocol.messages import MAX_CIRCUITS, Reason
from tests.board_client import BoardClient
from tests.support import VirtualClock, World

HOURS_S = 4 * 3600
_LOADS = Path(__file__).parents[2] / "tools/demo/loads.csv"
# Of the record: when kitchens and heaters run, which is how these hours end.
_BUSY_MINUTE = 62
_MINUTES_A_REPORT = 4
_PHASES = ("L1", "L2", "L3")
_REASONS = get_args(Reason)
# Name, priority, kind, and the most that energy may cost, in EUR/MWh.
_CIRCUITS = (
    ("kitchen", 2, "deferrable", None),
    ("laundry", 3, "deferrable", None),
    ("water heater", 4, "thermal", 150),
    ("lights and sockets", 1, "critical", None),
)
# Values of a board that reports seldom stay fresh however long a test looks at them; those of the
# other are old after three times as long.
_SELDOM_S, _OFTEN_S = 3600, 3


def lived_in_site(flats: int = 3, rating_ma: int = 25_000) -> dict[str, Any]:
    """A TOML document: flats on a three-phase riser, and a garage behind it."""
    return {
        "site": {"name": "Lindenhof 7"},
        "feeders": [
            {"id": "riser", "rating_ma": dict.fromkeys(_PHASES, rating_ma)},
            {"id": "garage", "parent": "riser", "rating_ma": {"L2": 16_000}},
        ],
        "boards": [*map(_flat, range(flats)), _garage()],
    }


def live_in(data: Path, document: dict[str, Any], now_unix_s: float) -> list[BoardClient]:
    """Let the hours up to now pass in virtual time; the boards as they are at their end."""
    data.mkdir(parents=True)
    world = World(data, document, clock=VirtualClock(date_s=now_unix_s - HOURS_S))
    boards = [world.board(board["id"]) for board in document["boards"]]
    loads = _measured_ma(len(boards) - 1)
    for minute in range(_MINUTES_A_REPORT, HOURS_S // 60, _MINUTES_A_REPORT):
        world.clock.advance(60 * _MINUTES_A_REPORT)
        for board, of_board in zip(boards, loads, strict=True):
            _report(board, of_board, minute)
    recorder = Recorder(lambda: world.site, world.store)
    while recorder.step(now_unix_s):
        pass
    world.close()
    return boards


def edge(n: int, minutes_ago: int, kind: str, circuit: int, reason: Reason) -> list[Any]:
    """A relay's edge as a board reports it in its event number n."""
    return [n, HOURS_S - 60 * minutes_ago, kind, circuit, _REASONS.index(reason)]


def _flat(number: int) -> dict[str, Any]:
    return {
        "id": f"flat-{number + 1}",
        "feeder": "riser",
        "safe_limit_ma": dict.fromkeys(_PHASES, 1000),
        "report_s": _OFTEN_S if number == 1 else _SELDOM_S,
        "circuits": [
            _circuit(name, _PHASES[(place + number) % 3], priority, kind, ceiling)
            for place, (name, priority, kind, ceiling) in enumerate(_CIRCUITS)
        ],
    }


def _garage() -> dict[str, Any]:
    wallbox = _circuit("wallbox", "L2", 5, "ev", 120) | {"rated_ma": 16_000, "contactor": True}
    return {
        "id": "garage-1",
        "feeder": "garage",
        "safe_limit_ma": {"L2": 1000},
        "report_s": _SELDOM_S,
        "circuits": [wallbox],
    }


def _circuit(
    name: str, phase: str, priority: int, kind: str, ceiling: int | None
) -> dict[str, Any]:
    circuit = {"name": name, "phase": phase, "rated_ma": 10_000, "priority": priority}
    price = {"price_ceiling_eur_mwh": ceiling} if ceiling else {}
    return {**circuit, "kind": kind, "safe": "off", **price}


def _measured_ma(flats: int) -> list[list[list[int]]]:
    """Of each board, minute by minute, the current of its circuits; the car is away."""
    with _LOADS.open(newline="") as file:
        rows = [[round(1000 * float(a)) for a in row[1:]] for row in list(csv.reader(file))[1:]]
    rows = _begun_at(rows, _BUSY_MINUTE)
    # Three flats were measured; further ones are these at another hour.
    measured = [[row[4 * (n % 3) : 4 * (n % 3) + 4] for row in rows] for n in range(flats)]
    return [
        *(_begun_at(flat, 37 * (n // 3)) for n, flat in enumerate(measured)),
        [[0] for _ in rows],
    ]


def _begun_at(rows: list[list[int]], minute: int) -> list[list[int]]:
    return rows[minute:] + rows[:minute]


def _report(board: BoardClient, of_board: list[list[int]], minute: int) -> None:
    """Tell the journal minutes before this one, and the current in it."""
    numbers = range(minute - _MINUTES_A_REPORT, minute)
    board.circuits = [[ma, 20, "ok", 1, "default"] for ma in of_board[minute]]
    board.report(up_s=60 * minute, minutes=[_journal(n, of_board[n]) for n in numbers])


def _journal(minute: int, currents_ma: list[int]) -> list[int]:
    four = [*currents_ma, *[0] * (MAX_CIRCUITS - len(currents_ma))]
    return [1, minute, *four, *(ma + ma // 8 for ma in four), *[60] * MAX_CIRCUITS]
