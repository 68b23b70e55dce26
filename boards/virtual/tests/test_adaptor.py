"""The cable to a module: its reset circuit, its rate, and programs other than esptool on it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator

import pytest
import serial
from esptool.targets.esp8266 import ESP8266ROM
from hypothesis import given
from hypothesis import strategies as st

from boards.virtual.adaptor import Adaptor, circuit
from boards.virtual.flash import SECTOR_BYTES, Flash
from boards.virtual.module import Module
from boards.virtual.rom import boot, slip
from boards.virtual.rom.protocol import Op
from boards.virtual.rom.writer import erase_as_the_rom_does
from boards.virtual.tests.test_serial import read_until
from boards.virtual.wire import heard

# pyserial's RFC 2217 client starts its thread in the old way.
pytestmark = pytest.mark.filterwarnings("ignore:set(Daemon|Name).. is deprecated")

SYNC = slip.frame(bytes((0, Op.SYNC, 36, 0, 0, 0, 0, 0)) + b"\x07\x07\x12\x20" + 32 * b"\x55")
SYNCED = bytes((1, Op.SYNC))
ANSWER_BYTES = 12


@pytest.fixture
def module() -> Iterator[Module]:
    with Module() as module:
        yield module


def opened(module: Module, baud: int) -> serial.SerialBase:
    return serial.serial_for_url(module.port, baudrate=baud, timeout=5)


@pytest.mark.parametrize(
    ("dtr", "rts", "enable", "gpio0"),
    [
        (False, False, True, True),
        (True, True, True, True),
        (False, True, False, True),
        (True, False, True, False),
    ],
)
def test_two_transistors(dtr: bool, rts: bool, enable: bool, gpio0: bool) -> None:
    assert circuit(dtr, rts) == (enable, gpio0)


def test_out_of_a_reset_both_lines_change_together() -> None:
    levels: list[tuple[bool, bool]] = []
    adaptor = Adaptor(lambda enable, gpio0: levels.append((enable, gpio0)))
    adaptor.set_rts(True)
    adaptor.set_dtr(True)
    adaptor.set_rts(False)
    adaptor.set_dtr(False)
    assert levels == [(False, True), (True, False), (True, True)]


@pytest.mark.parametrize("baud", [9600, 74_880, 115_200, 921_600])
def test_download_mode_takes_the_hosts_rate(module: Module, baud: int) -> None:
    module.start_download()
    with opened(module, baud) as port:
        port.write(SYNC)
        assert SYNCED in port.read_until(SYNCED)


def test_a_rate_that_changes_on_one_side_is_noise(module: Module) -> None:
    module.start_download()
    with opened(module, 115_200) as port:
        port.write(SYNC)
        answers = port.read(8 * ANSWER_BYTES)
        assert answers.count(SYNCED) == 8
        port.baudrate = 57_600
        port.timeout = 0.3
        port.write(SYNC)
        assert SYNCED not in port.read(8 * ANSWER_BYTES)


def test_the_boot_message_is_noise_but_at_its_own_rate(module: Module) -> None:
    for baud, readable in ((boot.BAUD, True), (115_200, False)):
        with opened(module, baud) as port:
            module.reset()
            seen = port.read(60)
            assert (b"boot mode:(3," in seen) == readable
            assert len(seen) > 20


@given(st.binary(min_size=1, max_size=40), st.sampled_from([0.97, 1.0, 1.03]))
def test_rates_that_are_close_are_heard(data: bytes, ratio: float) -> None:
    assert heard(data, 115_200, round(115_200 * ratio)) == data


@given(st.binary(min_size=4, max_size=40))
def test_half_the_rate_hears_at_most_half_the_bytes(data: bytes) -> None:
    assert len(heard(data, 115_200, 57_600)) <= len(data) // 2 + 1


@given(st.lists(st.binary(min_size=1, max_size=20)), st.binary(max_size=5))
def test_packets_are_found_again_after_noise(packets: list[bytes], noise: bytes) -> None:
    unframer = slip.Unframer()
    unframer.feed(noise.replace(b"\xdb", b"") + b"\xc0")
    line = b"".join(slip.frame(packet) for packet in packets)
    assert unframer.feed(line[:7]) + unframer.feed(line[7:]) == packets


@given(st.integers(0, 40), st.integers(1, 60))
def test_programs_make_up_for_the_roms_error_in_erasing(first: int, sectors: int) -> None:
    flash = Flash(bytes(1 << 20), size=1 << 20)
    start, size = first * SECTOR_BYTES, sectors * SECTOR_BYTES
    erase_as_the_rom_does(flash, start, ESP8266ROM.get_erase_size(ESP8266ROM, start, size))
    erased = flash.image.count(0xFF)
    assert size <= erased <= size + SECTOR_BYTES
    assert flash.read(start, size) == b"\xff" * size


def test_mpremote_works_over_it_and_resets_nothing(module: Module) -> None:
    module.do(lambda board: board.install({"main.py": b"x = 6"}))
    module.reset()
    resets = module.do(lambda board: len(board.resets))
    command = [sys.executable, "-m", "mpremote", "connect", module.port]
    command += ["resume", "exec", "print(x * 7)"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == "42", done.stdout + done.stderr
    assert module.do(lambda board: len(board.resets)) == resets


def test_miniterm_shows_the_prompt(module: Module) -> None:
    module.do(lambda board: board.install({}))
    module.reset()
    terminal, program_end = pty.openpty()
    command = [sys.executable, "-m", "serial.tools.miniterm", "--raw", module.port, "115200"]
    with subprocess.Popen(
        command, stdin=program_end, stdout=program_end, stderr=program_end, start_new_session=True
    ) as program:
        os.close(program_end)
        try:
            read_until(terminal, b"Quit:")
            os.write(terminal, b"6 * 7\r")
            read_until(terminal, b"42")
            os.write(terminal, b"\x1d")
            assert program.wait(timeout=20) == 0
        finally:
            program.kill()
            os.close(terminal)
