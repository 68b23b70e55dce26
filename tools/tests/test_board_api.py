"""The check of what the board lacks fails on what the board lacks, and on nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.board_api import lacking


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("import hmac", "hmac"),
        ("import datetime", "datetime"),
        ("import unittest", "unittest"),
        ("import logging", "logging"),
        ("import _thread", "_thread"),
        ("import time; time.perf_counter()", "perf_counter"),
        ("import machine; machine.Pin(1).toggled()", "toggled"),
        ("import socket; socket.create_connection(('', 1))", "create_connection"),
        ("import random; random.randint(1, 2)", "randint"),
        ("from random import randrange", "randrange"),
        ("import binascii; binascii.crc32(b'')", "crc32"),
        ("'a-b'.partition('-')", "partition"),
        ("'a'.splitlines()", "splitlines"),
        ("pow(2, 3, 5)", "pow"),
        ("compile('', '', 'exec')", "compile"),
        ("undefined_name", "undefined_name"),
    ],
)
def test_what_the_board_lacks_is_named_with_its_line(
    line: str, named: str, tmp_path: Path
) -> None:
    path = tmp_path / "example.py"
    path.write_text(f"# what firmware might say\n{line}\n")
    found = lacking([path])
    assert found
    assert all(one.startswith(f"{path}:2: ") and named in one for one in found), found


def test_what_it_has_passes(tmp_path: Path) -> None:
    path = tmp_path / "example.py"
    path.write_text(
        "import gc, hashlib, json, machine, random, time\n"
        "class Own:\n"
        "    pass\n"
        "def make():\n"
        "    own = Own()\n"
        "    own.later = random.getrandbits(4)\n"
        "    pin = machine.Pin(5, machine.Pin.OUT, value=0)\n"
        "    pin(1)\n"
        "    return own, pow(2, 3), gc.mem_free(), time.ticks_ms(), json.loads('{}')\n"
    )
    assert lacking([path]) == []
