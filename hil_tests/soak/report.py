"""What a soak has come to, for people and for programs."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from boards.virtual.fitting import firmware_image
from hil_tests.soak.run import HEAP_NOISE_BYTES, Soak

Summary = dict[str, Any]


def summary(run: Soak, command: str) -> Summary:
    """All figures of a run that has ended. Times in the units that their names say."""
    bench, outcome, deliveries = run.bench, run.outcome, run.deliveries
    live = outcome.live_bytes
    return {
        "command": command,
        "virtual_h": round(bench.world.now_us / 3600e6, 3),
        "faults": sum(outcome.faults.values()),
        "faults_by_kind": dict(sorted(outcome.faults.items())),
        "messages": dict(sorted(bench.crossing.counts.items())),
        "answers_by_status": dict(sorted(deliveries.reports.items())),
        "minutes_acknowledged": len(deliveries.minutes),
        "events_acknowledged": len(deliveries.events),
        "minutes_given_up_by_restores": len(deliveries.given_up),
        "lost": sum("lost: " in one for one in outcome.failures),
        "gaps_by_cause": _gaps(run),
        "most_minutes_taken_by_one_restart": max(deliveries.taken(bench).values(), default=0),
        "limit_violations": sum(", at most" in one for one in outcome.failures),
        "longest_excess_ms": {
            rule: round(us / 1000) for rule, us in sorted(run.limits.longest_us.items())
        },
        "most_of_a_breakers_time": round(run.limits.most_spent, 3),
        "starts_by_cause": dict(sorted(Counter(c for _, c in bench.board.resets).items())),
        "heap_bytes": {
            "first_rest": live[0],
            "last_rest": live[-1],
            "highest_live": outcome.highest_live_bytes,
            "largest_growth": max(outcome.growth_bytes, default=None),
            "stretches": len(outcome.growth_bytes),
            "allowed_growth": HEAP_NOISE_BYTES,
        },
        "failures": outcome.failures,
        "firmware_sha256": hashlib.sha256(firmware_image()).hexdigest(),
        "history_sha256": history(run),
    }


def history(run: Soak) -> str:
    """A digest of every edge of a pin and every message: the same seed gives the same."""
    board = run.bench.board
    lines = [repr(edge) for edge in board.pins.edges]
    lines += [repr(one) for one in board.network.exchanges]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def write(found: Summary, folder: Path) -> None:
    """report.json and report.md."""
    (folder / "report.json").write_text(json.dumps(found, indent=1) + "\n")
    (folder / "report.md").write_text(page(found))


def page(found: Summary) -> str:
    """The figures as a page to read."""
    heap, gaps = found["heap_bytes"], found["gaps_by_cause"]
    figures = {
        "virtual time": f"{found['virtual_h']} h",
        "faults": found["faults"],
        "lost": f"**{found['lost']}**",
        "limits broken, breakers reached": f"**{found['limit_violations']}**",
        "answered reports": sum(found["answers_by_status"].values()),
        "minutes and events acknowledged": f"{found['minutes_acknowledged']} and "
        f"{found['events_acknowledged']}, all of them stored",
        "acknowledged after a backup that was then restored": found[
            "minutes_given_up_by_restores"
        ],
        "most that one restart took, of what reports had told before it": (
            f"{found['most_minutes_taken_by_one_restart']} minutes of the 15 that it may"
        ),
        "most of the time to the earliest trip of a breaker": found["most_of_a_breakers_time"],
        "live heap at the first and the last rest": f"{heap['first_rest']} and "
        f"{heap['last_rest']} bytes; highest {heap['highest_live']}",
        "largest growth of the heap": f"{heap['largest_growth']} bytes in {heap['stretches']} "
        f"stretches without a restart, {heap['allowed_growth']} allowed",
        "failures": len(found["failures"]),
    }
    tables = [
        ("", "figure", "value", figures),
        ("Faults by kind", "fault", "times", found["faults_by_kind"]),
        ("Starts of the board by cause", "cause", "times", found["starts_by_cause"]),
        (
            "Gaps by cause",
            "cause",
            "times, minutes",
            {k: f"{n}, {m}" for k, (n, m) in gaps.items()},
        ),
        ("Longest excess", "of", "ms", found["longest_excess_ms"]),
        ("Answers by status", "status", "times", found["answers_by_status"]),
        ("Messages", "what they met", "times", found["messages"]),
    ]
    parts = ["# A soak\n", f"    {found['command']}\n", _LEGEND]
    for title, what, value, rows in tables:
        parts += [f"## {title}\n"] if title else []
        body = [f"| {key} | {row} |" for key, row in rows.items()]
        parts.append("\n".join([f"| {what} | {value} |", "| --- | --- |", *body, ""]))
    parts += [f"- {one}\n" for one in found["failures"]]
    return (
        "\n".join(parts)
        + f"\nFirmware {found['firmware_sha256']}, history {found['history_sha256']}\n"
    )


_LEGEND = """\
Lost means: acknowledged and not stored, or in flash, inside the ring and never
delivered. A limit is broken by an excess, of what the board could know and open, that lasts longer
than its definite time: 5 s, 1 s from twice the limit on, and 0.3 s after the current has risen at
last. *Longest excess* leaves out the time of faults that slow the board down. A breaker's time is
what IEC 60898-1 lets one of type B trip after at the earliest.
"""


def _gaps(run: Soak) -> dict[str, tuple[int, int]]:
    """How many of each cause, and their minutes."""
    found: dict[str, list[int]] = defaultdict(list)
    for gap in run.gaps():
        found[gap["cause"]].append(round((gap["end"] - gap["start"]) / 60))
    return {cause: (len(minutes), sum(minutes)) for cause, minutes in sorted(found.items())}
