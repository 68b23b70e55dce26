"""A board on a terminal: its circuits, its supply, and how it is."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from headroom.device.node import Circuit, Snapshot

_WELL = ("ok", "below_range")
# What a plan, a person or nothing asks for; every other reason is of the board's protection.
_ORDERED = ("plan", "override", "price", "default", "hold")
_LATE_PERCENT = 100
_LEAST_HEAP = 4096


def view(name: str, now: Snapshot) -> RenderableType:
    """All that is known of it, for a terminal of 80 columns."""
    return Panel(
        Group(_circuits(now), Text(), _supply(now), _link(now), _health(now), _events(now)),
        title=f"[bold]{name}[/]  up {_time(now.up_s)}, start {now.boot} ({now.reset})",
        title_align="left",
        width=80,
    )


def _circuits(now: Snapshot) -> Table:
    table = Table(box=None, expand=True, pad_edge=False)
    table.add_column("circuit")
    table.add_column("current", justify="right")
    table.add_column("sensor")
    table.add_column("relay")
    table.add_column("reason")
    for circuit in now.circuits:
        table.add_row(*_row(circuit))
    return table


def _row(circuit: Circuit) -> tuple[Text, ...]:
    well = circuit.sensor in _WELL
    return (
        Text(circuit.name),
        Text(f"{circuit.current_ma / 1000:.2f} A"),
        Text(circuit.sensor, "" if well else "bold red"),
        Text("● closed" if circuit.closed else "○ open", "green" if circuit.closed else "dim"),
        Text(circuit.reason, "" if circuit.reason in _ORDERED else "yellow"),
    )


def _supply(now: Snapshot) -> Text:
    phases = [
        Text(
            f"L{index} {load / 1000:.2f} of {limit / 1000:.1f} A",
            "bold red" if load > limit else "",
        )
        for index, (load, limit) in enumerate(zip(now.load_ma, now.limit_ma, strict=True), 1)
        if limit or load
    ]
    plan = Text("plan expired", "yellow") if now.plan_expired else Text(f"plan {now.rev}")
    return Text("   ").join([*phases, plan])


def _link(now: Snapshot) -> Text:
    if now.link is None:
        return Text("no link: /secrets.json is missing or bad", "bold red")
    answers, errors, last = now.link
    told = f"{answers} answers, {errors} errors"
    return Text(f"{told}: {last}" if errors else told, "yellow" if errors else "")


def _health(now: Snapshot) -> Text:
    share = now.longest_us // (10 * now.tick_ms)
    return Text("   ").join(
        [
            Text(
                f"longest tick {now.longest_us / 1000:.1f} of {now.tick_ms} ms",
                "yellow" if share > _LATE_PERCENT else "",
            ),
            Text(f"{now.dropped} dropped", "yellow" if now.dropped else ""),
            Text(f"heap {now.heap_free} B free", "yellow" if now.heap_free < _LEAST_HEAP else ""),
        ]
    )


def _events(now: Snapshot) -> Text:
    if not now.events:
        return Text("every event is confirmed", "dim")
    lines = [
        f"{_time(event.up_s):>9}  {event.kind} {event.value}"
        + (f"  {now.circuits[event.circuit].name}" if event.circuit >= 0 else "")
        for event in now.events[-5:]
    ]
    return Text("\n".join([f"{len(now.events)} events wait for the coordinator:", *lines]))


def _time(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"
