"""`python -m hil_tests.fault_matrix.page`: puts the matrix into firmware/PROTECTION.md.

The tables are those that the test plays. With --check nothing is written: exit code 1 if the page
says something else.
"""

from __future__ import annotations

import click

from hil_tests.fault_matrix.faults import FAULTS, HIDDEN
from hil_tests.fault_matrix.modes import CIRCUITS, MODES, Mode
from tools.benches.page import PAGE, put, rows


def fault_table() -> str:
    """A row a fault; those that no firmware can see are bold."""
    body = []
    for name, fault in FAULTS.items():
        is_hidden = fault.seen == HIDDEN
        row = (name, "**nothing: hidden**" if is_hidden else fault.seen, fault.end)
        body.append((f"**{name}**", *row[1:]) if is_hidden else row)
    return rows(
        ("fault", "seen by the firmware", "the end, in every mode and at every load"), body
    )


def mode_table() -> str:
    """A row a mode: what is closed, and why."""
    body = [(name, mode.what, *(cell(mode, i) for i in CIRCUITS)) for name, mode in MODES.items()]
    return rows(("mode", "how", "lights", "laundry", "heater", "fridge"), body)


def cell(mode: Mode, i: int) -> str:
    """State and reason of a circuit."""
    closed, reason = (0, "shed_feeder") if i in mode.shed else mode.wish[i]
    return f"{'on' if closed else 'off'} {reason}".rstrip()


def written(page: str) -> str:
    """The page with both tables. Raises click.ClickException."""
    return put(put(page, "modes", mode_table()), "faults", fault_table())


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 if the page would change.")
def main(check: bool) -> None:
    """Write the tables of modes and faults into firmware/PROTECTION.md."""
    page = PAGE.read_text()
    new = written(page)
    if not check:
        PAGE.write_text(new)
    elif new != page:
        raise click.ClickException(f"{PAGE.name} is not what the matrix says")


if __name__ == "__main__":
    main()
