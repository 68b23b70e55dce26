#!/usr/bin/env python3
"""Benchmarks: `tools/bench.py NAME [NAME...]`. Each bench is a file in tools/benches."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parent.parent
VENV = ROOT / ".venv"
if not __package__:
    # Called as a file, by whatever Python: what it needs is in the project's own environment.
    if Path(sys.prefix) != VENV and (VENV / "bin" / "python").exists():
        os.execv(VENV / "bin" / "python", [str(VENV / "bin" / "python"), *sys.argv])
    sys.path.insert(0, str(ROOT))

import click  # noqa: E402

from tools.benches.figure import Figure, Options  # noqa: E402

NAMES = (
    "ingest",
    "push",
    "trip",
    "heap",
    "tick",
    "waveforms",
    "virtual",
    "leases",
    "use",
    "coordinators",
)


@click.command()
@click.argument("names", nargs=-1, required=True, type=click.Choice(NAMES), metavar="NAME...")
@click.option("--quick", is_flag=True, help="Few repetitions: shows that it works, not how well.")
@click.option(
    "--hours", type=float, default=24, show_default=True, help="heap: virtual time to run for."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of everything random.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=ROOT / "build" / "bench",
    help="Where NAME.json goes.  [default: build/bench]",
)
def main(names: tuple[str, ...], quick: bool, hours: float, seed: int, folder: Path) -> None:
    """Measure, on the virtual board in virtual time, and say whether the target was met.

    \b
    ingest     signed reports a second, durable before they are answered; 4 minutes
    push       from an accepted override to the relay's edge, in real time; 3 minutes
    trip       from the overload to the open contact, beside a breaker; 5 minutes
    heap       the firmware's heap after a day of troubles; 40 minutes, --hours 1 two
    tick       the cost of control, projected to the chip; 10 seconds
    waveforms  readings of measured currents with harmonics; 1 minute
    virtual    how much faster than real time a virtual board is; 10 seconds
    leases     random histories against the lease rule; 6 minutes
    coordinators  the same of real coordinators and firmware; 3 minutes
    use        share of a rating that leases put to use; 10 minutes

    Prints one JSON object a line and writes the same to build/bench/NAME.json:

    \b
    bench, figure, value, unit   what was measured
    target, ok                   the most it may be, and whether it is; null where there is none
    reference, reference_value   what it stands beside, measured or reckoned in the same call
    command                      what prints it again

    Progress goes to stderr. Ends with exit code 1 if any figure misses its target.
    """
    options = Options(quick, hours, seed)
    missed = False
    for name in dict.fromkeys(names):
        figures: list[Figure] = []
        for figure in import_module(f"tools.benches.{name}").measure(options):
            figures.append(figure)
            click.echo(figure.as_json())
            missed |= figure.ok is False
        folder.mkdir(parents=True, exist_ok=True)
        lines = "".join(figure.as_json() + "\n" for figure in figures)
        (folder / f"{name}.json").write_text(lines)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
