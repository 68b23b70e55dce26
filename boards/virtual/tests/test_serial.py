"""mpremote, unmodified, against the board's serial port while its program keeps running."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from boards.virtual.board import VirtualBoard
from boards.virtual.realtime import RealTime
from boards.virtual.tests.conftest import MakeBoard
from boards.virtual.tests.mpremote import mpremote
from boards.virtual.tests.test_chip import TICKING


@pytest.fixture
def running(make_board: MakeBoard) -> Iterator[tuple[VirtualBoard, RealTime]]:
    board = make_board(TICKING)
    clock = RealTime(board)
    clock.start()
    yield board, clock
    clock.stop()


def test_exec_sees_the_running_program(running: tuple[VirtualBoard, RealTime]) -> None:
    _, clock = running
    first = int(mpremote(clock, "exec", "print(n)"))
    second = int(mpremote(clock, "exec", "import time; time.sleep_ms(500); print(n)"))
    assert second - first >= 12


def test_files_go_there_and_back(running: tuple[VirtualBoard, RealTime], tmp_path: Path) -> None:
    board, clock = running
    content = bytes(range(256)) * 20
    there, back = tmp_path / "there.bin", tmp_path / "back.bin"
    there.write_bytes(content)
    mpremote(clock, "cp", str(there), ":kept.bin")
    mpremote(clock, "cp", ":kept.bin", str(back))
    assert back.read_bytes() == content
    assert "kept.bin" in mpremote(clock, "ls")
    mpremote(clock, "rm", ":kept.bin")
    assert "kept.bin" not in mpremote(clock, "ls")
    assert len(board.resets) == 1


def test_run_executes_a_local_script(
    running: tuple[VirtualBoard, RealTime], tmp_path: Path
) -> None:
    _, clock = running
    script = tmp_path / "script.py"
    script.write_text("print('sum', sum(range(10)))\n")
    assert mpremote(clock, "run", str(script)) == "sum 45\n"


def read_until(terminal: int, wanted: bytes, within_s: float = 20.0) -> bytes:
    """What a program writes to its terminal up to the wanted text."""
    seen = b""
    end_s = time.monotonic() + within_s
    while wanted not in seen:
        left_s = end_s - time.monotonic()
        assert left_s > 0, f"no {wanted!r} in {seen!r}"
        if select.select([terminal], [], [], left_s)[0]:
            seen += os.read(terminal, 4096)
    return seen


@pytest.mark.parametrize("leave", [b"\x18", b"\x1d"], ids=["ctrl-x", "ctrl-]"])
def test_mpremotes_terminal_is_the_boards_prompt(
    running: tuple[VirtualBoard, RealTime], leave: bytes
) -> None:
    board, clock = running
    terminal, program_end = pty.openpty()
    command = [sys.executable, "-m", "mpremote", "connect", clock.serial.device, "resume", "repl"]
    with subprocess.Popen(
        command, stdin=program_end, stdout=program_end, stderr=program_end, start_new_session=True
    ) as program:
        os.close(program_end)
        try:
            read_until(terminal, b"Ctrl-]")
            os.write(terminal, b"\r6 * 7, n > 0\r")
            read_until(terminal, b"(42, True)")
            os.write(terminal, leave)
            assert program.wait(timeout=20) == 0
        finally:
            program.kill()
            os.close(terminal)
    assert clock.alive
    assert len(board.resets) == 1


def test_repl_answers_to_a_person(running: tuple[VirtualBoard, RealTime]) -> None:
    _, clock = running
    with serial.serial_for_url(clock.serial.url, timeout=5) as port:
        port.write(b"\r6 * 7\r")
        assert b"42" in port.read_until(b"42")
