"""`headroom serve` as a process of its own, for tests that kill it or look at its edges."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headroom.store import boards, open_store
from tests.board_client import BoardClient, posts_to_address
from tests.support import key_of, site_document

HEADROOM = (sys.executable, "-c", "from headroom.cli import main; main()")


def run_headroom(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run one `headroom` command to its end."""
    command = [*HEADROOM, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@dataclass(frozen=True)
class Server:
    """A running server and where it listens."""

    process: "subprocess.Popen[str]"
    page: str
    boards: str
    token_file: str

    def board(self, board_id: str, **state: Any) -> BoardClient:
        """A board that reports to it over TCP."""
        state = {"key": key_of(board_id)} | state
        return BoardClient(board_id, post=posts_to_address(self.boards), **state)

    def put(self, path: str, body: dict[str, Any]) -> None:
        """Give an order over its API."""
        self._send("PUT", path.lstrip("/"), json.dumps(body).encode())

    def get(self, path: str) -> Any:
        """A document of its API."""
        return json.loads(self.read(path))

    def read(self, path: str) -> bytes:
        """Whatever it serves there."""
        return self._send("GET", path, None)

    def _send(self, method: str, path: str, body: bytes | None) -> bytes:
        token = Path(self.token_file).read_text().strip()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.page + path, body, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as response:
            content: bytes = response.read()
            return content


def prepare(
    folder: Path, document: dict[str, Any] | None = None, database: str | None = None
) -> None:
    """Write a site file, with two boards if no other is given, and register their keys."""
    document = document or site_document()
    (folder / "site.toml").write_text(_toml(document))
    store = open_store(database or f"sqlite:///{folder / 'data' / 'headroom.db'}")
    with store.write() as db:
        for board in document["boards"]:
            boards.put_key(db, board["id"], key_of(board["id"]))
    store.close()


@contextmanager
def serving(
    folder: Path, *arguments: str, open_reading: bool = True, database: str | None = None
) -> Iterator[Server]:
    """A server on free ports over a prepared folder, killed at the end if it still runs."""
    ready = folder / "ready.json"
    command = [
        *HEADROOM,
        *(["--database", database] if database else []),
        "serve",
        *("--site", str(folder / "site.toml"), "--data", str(folder / "data")),
        *("--listen", "127.0.0.1:0", "--board-listen", "127.0.0.1:0"),
        *("--ready-file", str(ready)),
        *(["--open-reading"] if open_reading else []),
        *arguments,
    ]
    with (folder / "stderr").open("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    with process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("ready:"), (folder / "stderr").read_text()
            addresses = json.loads(ready.read_text())
            yield Server(process, **addresses)
        finally:
            process.kill()


def _toml(document: dict[str, Any]) -> str:
    """TOML of a site document; JSON's strings and numbers are TOML's, its objects are not."""
    lines = ["[site]", f"name = {json.dumps(document['site']['name'])}"]
    for feeder in document["feeders"]:
        lines += ["[[feeders]]", *_pairs(feeder)]
    for board in document["boards"]:
        lines += ["[[boards]]", *_pairs(board)]
        for circuit in board["circuits"]:
            lines += ["[[boards.circuits]]", *_pairs(circuit)]
    return "\n".join(lines) + "\n"


def _pairs(table: dict[str, Any]) -> list[str]:
    return [f"{key} = {_value(value)}" for key, value in table.items() if key != "circuits"]


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(item)}" for key, item in value.items()) + " }"
    return json.dumps(value)
