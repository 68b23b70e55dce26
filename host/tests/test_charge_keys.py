"""Charge orders: how a person sends one, and how the coordinator revokes the key."""

from __future__ import annotations

import http.server
import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from click.testing import CliRunner, Result
from headroom.cli import main
from headroom.protocol import messages
from headroom.protocol.signing import sign_charge
from tests.support import World

pytestmark = pytest.mark.both_databases

REVOCATION = "/api/v1/boards/flat-1/charge-revocation"
KEY = bytes(range(32))


def test_revocation_goes_out_in_the_plan_until_it_is_lifted(world: World) -> None:
    board = world.board()
    assert "charge" not in board.report().document["plan"]
    assert world.state()["boards"][0]["charge_key"]["revoked"] is False
    assert world.api.put(REVOCATION, headers=world.bearer).get_json() == {"rev": 2}
    assert board.report().document["plan"]["charge"] == 0
    shown = world.state()["boards"][0]["charge_key"]
    assert shown["revoked"]
    world.clock.advance(100)
    assert world.api.put(REVOCATION, headers=world.bearer).get_json() == {"rev": 2}
    assert world.state()["boards"][0]["charge_key"] == shown
    world.start()
    assert world.state()["boards"][0]["charge_key"] == shown
    assert world.api.delete(REVOCATION, headers=world.bearer).get_json() == {"rev": 3}
    assert "charge" not in board.report().document["plan"]
    assert world.api.delete(REVOCATION, headers=world.bearer).get_json() == {"rev": 3}


def test_revocation_needs_a_token_and_a_known_board(world: World) -> None:
    for call in (world.api.put, world.api.delete):
        assert call(REVOCATION).status_code == 401
        unknown = call(REVOCATION.replace("flat-1", "flat-9"), headers=world.bearer)
        assert unknown.status_code == 404


@pytest.mark.parametrize(
    ("value", "text"),
    [(7200, "ordered on at the board for 120 min"), (0, "order at the board ended")],
)
def test_the_event_is_told_in_words(world: World, value: int, text: str) -> None:
    world.board().report(events=[[1, 5, "charge", 0, value]])
    assert [event["text"] for event in world.state()["events"]] == [text]


class Board(http.server.BaseHTTPRequestHandler):
    """Answers as a board does: obeys one counter, refuses what comes after."""

    seen: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.path == "/charge"
        assert self.headers["Headroom-Signature"] == sign_charge(KEY, "flat-1", body)
        order = json.loads(body)
        replayed = bool(self.seen)
        self.seen.append(order)
        answer = {"seconds": 60 * order["minutes"], "detail": "counter: must rise"}
        self.send_response(409 if replayed else 200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def board_url() -> Iterator[str]:
    Board.seen.clear()
    with http.server.HTTPServer(("127.0.0.1", 0), Board) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def charge(url: str, folder: Path) -> Result:
    """Run `headroom charge`."""
    key_file = folder / "flat-1.charge.key"
    key_file.write_text(KEY.hex() + "\n")
    options = ["--key-file", str(key_file), "--circuit", "1", "--minutes", "90"]
    return CliRunner().invoke(main, ["charge", url, "flat-1", *options])


def test_the_command_signs_and_tells_what_the_board_says(board_url: str, tmp_path: Path) -> None:
    result = charge(board_url, tmp_path)
    assert (result.exit_code, result.output) == (0, "circuit 1 of flat-1: on for 90 min\n")
    order = Board.seen[0]
    assert (order["v"], order["circuit"], order["minutes"]) == (1, 1, 90)
    assert order["counter"] > 1_700_000_000
    result = charge(board_url, tmp_path)
    assert result.exit_code == 2
    assert "refused with 409: counter: must rise" in result.output


def test_the_command_names_a_board_that_does_not_answer(tmp_path: Path) -> None:
    result = charge("http://127.0.0.1:1", tmp_path)
    assert result.exit_code == 2
    assert "http://127.0.0.1:1: no answer of a board: " in result.output


def test_the_protocols_shell_example_signs_as_the_board_checks(tmp_path: Path) -> None:
    protocol = Path(messages.__file__).with_name("PROTOCOL.md").read_text()
    lines = [line.strip() for line in protocol.splitlines()]
    body, signature = (next(x for x in lines if x.startswith(n)) for n in ("body=", "signature="))
    (tmp_path / "flat-1.charge.key").write_text(KEY.hex() + "\n")
    script = f'{body}\n{signature}\nprintf \'%s\\n%s\' "$signature" "$body"'
    shell = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    signed, _, sent = shell.stdout.partition("\n")
    assert json.loads(sent).keys() == {"v", "counter", "circuit", "minutes"}
    assert signed == sign_charge(KEY, "flat-1", sent.encode())
