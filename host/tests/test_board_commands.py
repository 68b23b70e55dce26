"""`headroom board`, told wrongly: it names the file or address, before any board is touched."""

import secrets
from collections.abc import Iterator
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner, Result
from headroom.cli import main
from headroom.device.coordinator_api import CoordinatorApi
from headroom.device.errors import DeviceError
from headroom.device.provisioning import require_heard

from boards.virtual.rom.image import stand_in

# Nobody listens there: whoever gets as far as the board says so.
NO_BOARD = "socket://127.0.0.1:9"


def board(*words: str) -> Result:
    return CliRunner().invoke(main, ["board", *words, "--port", NO_BOARD])


@pytest.mark.parametrize("command", ["update", "flash"])
def test_a_firmware_that_is_none_is_named_before_a_board_is_touched(
    command: str, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.romfs"
    wrong.write_bytes(b"wrong")
    (tmp_path / "micropython.bin").write_bytes(stand_in())
    image = [str(tmp_path / "micropython.bin")] if command == "flash" else []
    told = board(command, *image, "--romfs", str(wrong))
    assert told.exit_code == 2
    assert f"{wrong}: ROMFS image: it does not begin as an image does" in told.output
    assert "connect to" not in told.output


def test_a_backup_that_cannot_be_written_is_told_before_the_flash_is_read(tmp_path: Path) -> None:
    told = board("backup", str(tmp_path / "none" / "board.bin"))
    assert told.exit_code == 2
    assert f"{tmp_path}/none/board.bin: cannot be written" in told.output
    assert "connect to" not in told.output


def test_a_backup_that_is_not_there_is_told_before_a_board_is_touched(tmp_path: Path) -> None:
    told = board("restore", str(tmp_path / "none.bin"))
    assert told.exit_code == 2
    assert f"{tmp_path}/none.bin: cannot be read" in told.output
    assert "connect to" not in told.output


def test_a_prompt_where_there_can_be_none_is_told() -> None:
    told = board("repl")
    assert told.exit_code == 2
    assert f"{NO_BOARD}: a prompt needs a port of this machine" in told.output
    assert f"serial.tools.miniterm --raw {NO_BOARD} 115200" in told.output
    assert f"mpremote connect {NO_BOARD} resume exec" in told.output


def test_the_port_may_be_in_the_environment_and_help_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "HEADROOM_PORT" in board("monitor", "--help").output
    monkeypatch.setenv("HEADROOM_PORT", "/dev/none")
    told = CliRunner().invoke(main, ["board", "monitor", "--once"])
    assert "/dev/none: there is no such port" in told.output


@pytest.mark.parametrize("group", [[], ["board"]])
def test_the_list_of_commands_says_whole_what_each_does(group: list[str]) -> None:
    listed = CliRunner().invoke(main, [*group, "--help"], terminal_width=80).output
    _, commands = listed.split("Commands:\n")
    assert "..." not in commands


def test_a_key_file_that_has_none_is_named_and_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "wrong.key").write_text("no-such-key")
    words = ("--data", str(tmp_path), "--key-file", str(tmp_path / "wrong.key"))
    told = CliRunner().invoke(main, ["board", "add", "flat-1", *words])
    assert told.exit_code == 2
    assert f"{tmp_path}/wrong.key: a board key is 64 hex digits" in told.output
    assert "no-such-key" not in told.output


@pytest.mark.parametrize(
    ("reports", "health", "heard"),
    [
        (8, {"boot": 4}, True),
        (7, {"boot": 4}, False),  # a report of an earlier life that had the same number
        (8, {"boot": 3}, False),  # one from before the reset
        (7, None, False),
    ],
)
def test_a_coordinator_hears_a_board_by_a_report_of_its_new_start(
    reports: int, health: dict[str, int] | None, heard: bool
) -> None:
    document = {"id": "flat-1", "reports": reports, "health": health}
    with nullcontext() if heard else pytest.raises(DeviceError, match="another coordinator"):
        require_heard(document, boot=4, reports_before=7)


class Recorder(BaseHTTPRequestHandler):
    """Answers every request with the server's `body`, and keeps their paths."""

    def do_PUT(self) -> None:
        """See BaseHTTPRequestHandler."""
        assert isinstance(self.server, Recording)
        self.server.paths.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_words: object) -> None:
        """Nothing on the error output."""


class Recording(HTTPServer):
    """What is asked of it, and what it answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Recorder)
        self.paths: list[str] = []
        self.body = b"{}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def server() -> Iterator[Recording]:
    with Recording() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "api.token"
    path.write_text("hr_token")
    return path


def test_a_key_goes_to_this_machine_past_a_proxy(
    server: Recording, token: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    CoordinatorApi(server.url, token).register("flat-1", secrets.token_bytes(32))
    assert server.paths == ["/api/v1/boards/flat-1/key"]


def test_an_answer_of_something_else_is_told(server: Recording, token: Path) -> None:
    server.body = b"<html>"
    with pytest.raises(DeviceError, match="what answers is no coordinator"):
        CoordinatorApi(server.url, token).register("flat-1", secrets.token_bytes(32))
