"""`headroom board calibrate` on a terminal: what it asks, and what it makes of wrong answers."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator

import pytest

from boards.virtual.module import Module
from hil_tests.desk import provisioned, put_load

pytestmark = pytest.mark.requirement("tools")

SMALL, LARGE = "small resistive load", "larger one"
SETTLED_US = 1_000_000
CTRL_C = "\x03"


@pytest.fixture
def module() -> Iterator[Module]:
    with provisioned() as module:
        yield module


class Person:
    """Sits before a terminal on which the command runs, and at the load's switch."""

    def __init__(self, module: Module, *more: str) -> None:
        self.seen = ""
        self._module = module
        self._terminal, far_end = pty.openpty()
        command = [sys.executable, "-c", "from headroom.cli import main; main()", "board"]
        self._process = subprocess.Popen(
            [*command, "calibrate", "--port", module.plain_port, *more],
            stdin=far_end,
            stderr=far_end,
            stdout=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),  # its terminal
        )
        os.close(far_end)

    def answers(self, asked: str, text: str, amps: float | None = None) -> str:
        """Waits for a question, switches a load on, types; what was shown until the question."""
        shown = self._until(asked)
        self._until(": ")
        if amps is not None:
            self._switch_on(amps)
        os.write(self._terminal, text.encode() if text == CTRL_C else f"{text}\n".encode())
        return shown

    def ends(self) -> tuple[int, str]:
        """Its exit code, and what it has given to its standard output."""
        output, _ = self._process.communicate()
        self.seen += self._rest()
        os.close(self._terminal)
        return self._process.returncode, output.decode()

    def _until(self, text: str) -> str:
        """The test's limit ends it."""
        start = len(self.seen)
        while text not in self.seen[start:]:
            self.seen += os.read(self._terminal, 1).decode(errors="replace")
        return self.seen[start:]

    def _rest(self) -> str:
        try:
            return os.read(self._terminal, 1 << 16).decode(errors="replace")
        except OSError:  # nothing, and nobody at the other end
            return ""

    def _switch_on(self, amps: float) -> None:
        put_load(self._module, amps)
        settled_us = self._now_us() + SETTLED_US
        while self._now_us() < settled_us:
            pass  # each look takes as long as the board's own step

    def _now_us(self) -> float:
        return self._module.do(lambda board: board.now_us)


def is_stored(module: Module) -> bool:
    """Whether the board has a calibration."""
    return "calibration.json" in on_board(module, "import os; print(os.listdir('/'))")


def on_board(module: Module, code: str) -> str:
    return module.do(lambda board: board.exec(code))


def test_wrong_answers_are_named_and_asked_again(module: Module) -> None:
    person = Person(module)
    person.answers(SMALL, "many")
    for wrong in ("nan", "-3", "0", "2000"):
        assert "a current in A is needed, up to 200, as 2.05" in person.answers(SMALL, wrong)
    person.answers(SMALL, "2", amps=0)
    assert "sensor is below_range, not ok" in person.answers(SMALL, "20", amps=2)
    assert "true 20000 mA" in person.answers(LARGE, "9", amps=9)
    shown = person.answers(SMALL, "2,1", amps=2)
    assert "gain of -" in shown
    assert "both points anew" in shown
    assert "true 2100 mA" in person.answers(LARGE, "2.1")
    assert "closer than a tenth of the range" in person.answers(SMALL, "2.1")
    person.answers(LARGE, "9.45", amps=9)
    person.answers("put this in force", "n")
    assert person.ends() == (0, "")
    assert not is_stored(module)


def test_ctrl_c_leaves_the_board_as_it_was_and_the_result_is_json(module: Module) -> None:
    person = Person(module)
    person.answers(SMALL, "20", amps=2)
    person.answers(LARGE, CTRL_C)
    assert person.ends() == (1, "")
    assert "Aborted" in person.seen
    assert not is_stored(module)
    loaded = "import sys; print('node.calibrate' in sys.modules, 'calibrate' in globals())"
    assert on_board(module, loaded) == "False False\n"
    running = "from node import app; print(app.current.relays.closed[0])"
    assert on_board(module, running) == "1\n"

    person = Person(module, "--json")
    person.answers(SMALL, "2.1", amps=2)
    person.answers(LARGE, "9.45", amps=9)
    person.answers("put this in force", "")
    code, output = person.ends()
    assert code == 0, person.seen
    (stored,) = json.loads(output)
    assert stored["circuit"] == 0
    assert stored["nominal_ma"] == 30_000
    assert stored["range_ma"] == pytest.approx(31_500, rel=0.01)
    assert is_stored(module)
