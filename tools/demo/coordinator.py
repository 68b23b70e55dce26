"""The demo's coordinator: the real `headroom serve` as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from headroom.coordinator import Settings

STARTS_WITHIN_S = 20.0
STOPS_WITHIN_S = 10.0
SETTINGS = Settings(lease_s=10, valid_s=30)
BEACON_GROUP = "239.255.72.82:8088"  # as a board's configuration has it by default


def headroom(*arguments: str) -> list[str]:
    """The command line of `headroom` in this environment."""
    return [sys.executable, "-c", "from headroom.cli import main; main()", *arguments]


@dataclass(frozen=True)
class Addresses:
    """Where the coordinator listens."""

    page: str
    boards: tuple[str, int]
    token_file: str


class Coordinator:
    """Starts on construction, its page on any free port unless told; stop it with ``stop``."""

    def __init__(
        self, site: Path, folder: Path, settings: Settings = SETTINGS, *, page_port: int = 0
    ) -> None:
        self.data = folder / "data"
        self.log = folder / "coordinator.log"
        self._ready = folder / "ready.json"
        self._ready.unlink(missing_ok=True)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                headroom(
                    *("serve", "--site", str(site), "--data", str(self.data)),
                    *("--board-listen", "127.0.0.1:0", "--listen", f"127.0.0.1:{page_port}"),
                    *("--open-reading", "--beacon", BEACON_GROUP),
                    *("--lease-s", str(settings.lease_s), "--valid-s", str(settings.valid_s)),
                    *("--ready-file", str(self._ready)),
                ),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.addresses = self._await_ready()

    def add_board(self, board_id: str, key_file: Path) -> str:
        """Register a board under a new key; returns the key. Raises RuntimeError."""
        self._run("board", "add", board_id, "--new-key", str(key_file))
        return key_file.read_text().strip()

    def sign_in_link(self) -> str:
        """A link that signs a browser in once, within minutes. Raises RuntimeError."""
        return self._run("sign-in", "--listen", self.page_address).strip()

    @property
    def page_address(self) -> str:
        """HOST:PORT of the page."""
        return self.addresses.page.removeprefix("http://").rstrip("/")

    def site_key(self) -> str:
        """The key that beacons are signed under."""
        return (self.data / "site.key").read_text().strip()

    def stop(self) -> None:
        """End it as a service manager does."""
        self._process.terminate()
        try:
            self._process.wait(STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _run(self, *arguments: str) -> str:
        command = headroom(*arguments, "--data", str(self.data))
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"headroom {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def _await_ready(self) -> Addresses:
        deadline = time.monotonic() + STARTS_WITHIN_S
        while not self._ready.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the coordinator did not start:\n{self.log.read_text()}")
            time.sleep(0.02)
        ready = json.loads(self._ready.read_text())
        host, _, port = ready["boards"].rpartition(":")
        return Addresses(ready["page"], (host, int(port)), ready["token_file"])
