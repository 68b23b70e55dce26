"""`python -m tools.benches.page`: puts the figures of build/bench into firmware/PROTECTION.md.

Each table stands between two comments that name it; what is between them is written anew, the rest
of the page is left as it is. With --check nothing is written: exit code 1 if the page is not what
the figures say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from tools.benches.breaker import MAGNETIC, earliest_trip_s
from tools.benches.trip import LEADS_BELOW_S

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "firmware" / "PROTECTION.md"
FOLDER = ROOT / "build" / "bench"
MULTIPLES = (1.13, 1.2, 1.45, 1.6, 2.0, 2.35, 2.55, 3.0, 5.0, 10.0)

Line = dict[str, Any]


def rows(header: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def trip_table(lines: list[Line]) -> str:
    """Overload to open contact, a row a multiple: one line for each kind of breaker, and one of
    detection; the last two lines are the detection of all.
    """
    body = []
    lines, totals = lines[:-2], lines[-2:]
    size = len(MAGNETIC) + 1
    for at in range(0, len(lines), size):
        *contact, detected = lines[at : at + size]
        what, decided = contact[0]["figure"].split(":")[0].split(", by its ")
        judged = [line["ok"] for line in contact if line["target"]]
        verdict = "within half" if all(judged) else "**missed**"
        body.append(
            (
                what,
                decided,
                f"{contact[0]['value']:.0f} ms",
                f"{detected['value']:.0f} ms",
                *(breaker_cell(line["reference_value"] / 1000) for line in contact),
                verdict if judged else "",
            )
        )
    for line in totals:
        value = f"**{line['value']:.0f} ms**"
        body.append((line["figure"], "", "", value, *[""] * len(MAGNETIC), said(line)))
    slowest = lines[0]["figure"].split(", ")[-1]
    header = ("what rises", "decided by", f"contact open, {slowest}", "detection")
    return rows((*header, *MAGNETIC, "target"), body)


def breaker_cell(edge_s: float) -> str:
    """When a breaker may trip, and whether it leads there."""
    return f"{edge_s:.4g} s" if edge_s > LEADS_BELOW_S else f"{edge_s:.2g} s, leads"


def heap_table(lines: list[Line]) -> str:
    """The heap's figures."""
    body = [(line["figure"], f"{line['value']} {line['unit']}", said(line)) for line in lines]
    return rows(("figure", "value", "target"), body)


def waveform_table(lines: list[Line]) -> str:
    """A row an appliance."""
    found: dict[str, list[Line]] = {}
    for line in lines[:-1]:
        found.setdefault(line["figure"].split(": ")[0], []).append(line)
    body = []
    for what, (median, most, mean, told) in found.items():
        match = re.fullmatch(r"(.*), crest factor (.*), THD (.*)", what)
        assert match is not None
        name, crest, thd = match.groups()
        errors = [f"{line['value']:.2f}" for line in (median, most, mean)]
        bias = f"{mean['reference_value']:+.2f}"
        noticed = f"{told['value']:.0f} %" if told["value"] else "no"
        body.append((name.replace("_", " "), crest, thd, *errors, bias, said(mean), noticed))
    header = ("appliance", "crest factor", "THD", "window, median %", "window, 95th %")
    return rows((*header, "second, 95th %", "bias %", "target", "told as `spiky`"), body)


def breaker_table(_lines: list[Line]) -> str:
    """The lower edges of B, C and D, and who leads."""
    body = []
    for multiple in MULTIPLES:
        cells = [breaker_cell(earliest_trip_s(kind, multiple)) for kind in MAGNETIC]
        body.append((f"{multiple:g}", *cells))
    return rows(("times the rating", *MAGNETIC), body)


def said(line: Line) -> str:
    """The target and whether it is met."""
    if line["target"] is None:
        return ""
    return f"at most {line['target']:g}: " + ("met" if line["ok"] else "**missed**")


TABLES: dict[str, Callable[[list[Line]], str]] = {
    "trip": trip_table,
    "breaker": breaker_table,
    "waveforms": waveform_table,
    "heap": heap_table,
    "tick": heap_table,
}


def written(page: str, folder: Path) -> str:
    """The page with its tables as the figures have them; a table without figures stays."""
    for name, table in TABLES.items():
        path = folder / f"{name}.json"
        if name != "breaker" and not path.exists():
            continue
        text = path.read_text() if path.exists() else ""
        content = table([json.loads(line) for line in text.splitlines()])
        page = put(page, name, content)
    return page


def put(page: str, name: str, content: str) -> str:
    """The page with a table in the place that names it. Raises click.ClickException."""
    block = f"<!-- {name} -->\n{content}\n<!-- end -->"
    place = re.compile(rf"<!-- {name} -->\n.*?<!-- end -->", re.DOTALL)
    if len(place.findall(page)) != 1:
        raise click.ClickException(f"{PAGE.name}: not one place for the table {name!r}")
    return place.sub(block.replace("\\", r"\\"), page)


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 if the page would change.")
def main(check: bool) -> None:
    """Write the tables of firmware/PROTECTION.md from what tools/bench.py wrote to build/bench."""
    page = PAGE.read_text()
    new = written(page, FOLDER)
    if not check:
        PAGE.write_text(new)
    elif new != page:
        raise click.ClickException(f"{PAGE.name} is not what build/bench says")


if __name__ == "__main__":
    main()
