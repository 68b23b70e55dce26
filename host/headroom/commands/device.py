"""What the commands for a board on a serial port share: its port, and progress."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from headroom.commands.common import FilePath
from headroom.data_dir import token_path
from headroom.device.chip import AGAIN, BAUD, Chip, connected
from headroom.device.errors import StoppedError
from headroom.device.ports import find_port

port_option = click.option(
    "--port",
    envvar="HEADROOM_PORT",
    show_envvar=True,
    metavar="PORT",
    help="Serial port: /dev/ttyUSB0, rfc2217://HOST:PORT. By default the only converter found.",
)
baud_option = click.option(
    "--baud",
    default=BAUD,
    show_default=True,
    type=click.IntRange(9600, 2_000_000),
    help="Lower it where a long or bad cable loses data.",
)
no_reset_option = click.option(
    "--no-reset",
    is_flag=True,
    help="For an adaptor without reset circuit: the chip waits in its loader already, because it "
    "was reset with GPIO0 at GND.",
)
_Folder = click.Path(file_okay=False, path_type=Path)
api_option = click.option(
    "--api", default="http://127.0.0.1:8080", show_default=True, help="The server's API."
)
server_data_option = click.option(
    "--data", type=_Folder, help="The server's data directory, for its api.token and site.key."
)
token_option = click.option(
    "--token-file", type=FilePath, help="An admin's token, in place of --data."
)
json_option = click.option("--json", "as_json", is_flag=True, help="The result as a JSON object.")


class Steps:
    """Shows on the error output how far each step is; of one that is not a terminal, its name."""

    def __init__(self, shown: Progress) -> None:
        self.now = "nothing yet"
        self._shown = shown
        self._tasks: list[TaskID] = []

    def step(self, what: str) -> None:
        """See headroom.device.chip.Progress."""
        self._finish()
        self.now = what
        if not self._shown.console.is_terminal:
            self._shown.console.print(f"{what} ...", highlight=False)
        self._tasks.append(self._shown.add_task(what, total=None))

    def at(self, done: int, total: int) -> None:
        """See headroom.device.chip.Progress."""
        self._shown.update(self._tasks[-1], completed=done, total=total)

    def _finish(self) -> None:
        if self._tasks:
            total = self._shown.tasks[-1].total or 0
            self._shown.update(self._tasks[-1], total=total, completed=total)


class _Bytes(DownloadColumn):
    """Nothing for a step that counts none."""

    def render(self, task: Task) -> Text:
        """See DownloadColumn."""
        return super().render(task) if task.total else Text()


@contextmanager
def steps(way_out: str = AGAIN) -> Iterator[Steps]:
    """Progress on the error output, until the work is done.

    Raises StoppedError, with the way out, for Ctrl-C.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=16),
        _Bytes(),
        TimeRemainingColumn(),
    )
    console = Console(file=sys.stderr, highlight=False)
    with Progress(*columns, console=console, disable=not console.is_terminal) as shown:
        progress = Steps(shown)
        try:
            yield progress
        except KeyboardInterrupt as stop:
            raise StoppedError(f"stopped at: {progress.now}", way_out) from stop


@contextmanager
def chip_on(port: str | None, baud: int, no_reset: bool) -> Iterator[Chip]:
    """The chip on a port, in its loader. Raises DeviceError."""
    with steps() as progress, connected(find_port(port), progress, baud, not no_reset) as chip:
        yield chip


def require_token(data: Path | None, token_file: Path | None) -> Path:
    """The file with an API token: as given, or the server's own."""
    if token_file is not None:
        return token_file
    if data is None:
        raise click.UsageError("give --data, the server's data directory, or --token-file")
    return token_path(data)
