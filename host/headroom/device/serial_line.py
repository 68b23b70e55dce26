"""The interpreter's prompt on a board's serial line, by mpremote's own transport.

A node that runs goes on running: nothing here makes the soft reboot that mpremote makes by itself.
"""

from __future__ import annotations

import ast
import contextlib
import errno
import hashlib
import io
from collections.abc import Iterator
from typing import Any

import serial
from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport

from headroom.device.errors import DeviceError
from headroom.device.ports import close, opened

_PROMPT = b">>> "
_PROMPT_S = 10
# From a reset to the prompt: the chip's own start, boot.py, and the node's.
_STARTS_WITHIN_S = 30
_CHUNK_BYTES = 256
_LOOK = (
    "plug the converter in, close every other program on this port, and press reset; "
    "where it stays silent: headroom board flash"
)


class BoardError(DeviceError):
    """Code on the board ended with a traceback; `traceback` is its last line."""

    def __init__(self, what: str, way_out: str, traceback: str) -> None:
        super().__init__(what, way_out)
        self.traceback = traceback


class SerialLine:
    """A board's prompt. Use `attached`."""

    def __init__(self, port: str, transport: Any) -> None:
        self.port = port
        self._transport = transport

    def exec(self, code: str) -> str:
        """Run code on the board; what it prints. Raises DeviceError."""
        with _told(self.port):
            output: bytes = self._transport.exec(code)
        return output.decode(errors="replace").replace("\r\n", "\n")

    def eval(self, expression: str) -> Any:
        """The value of an expression, made of numbers, texts, lists and so on."""
        return ast.literal_eval(self.exec(f"print(repr({expression}))").strip())

    def read(self, path: str) -> bytes | None:
        """A file's content; None where there is no such file."""
        with _told(self.port):
            try:
                return bytes(self._transport.fs_readfile(path))
            except FileNotFoundError:
                return None

    def write(self, path: str, content: bytes) -> None:
        """Put a file there and read back that it is. Raises DeviceError."""
        with _told(self.port):
            try:
                self._transport.fs_writefile(path, content, chunk_size=_CHUNK_BYTES)
            except OSError as error:
                if error.errno is None or isinstance(error, serial.SerialException):
                    raise
                raise DeviceError(
                    f"{self.port}: {path} cannot be written: {errno.errorcode[error.errno]}",
                    "ENOSPC: its file system is full: take out what you have put there, "
                    f"mpremote connect {self.port} resume ls; else the flash may be worn",
                ) from error
            found = self._transport.fs_hashfile(path, "sha256")
        if found != hashlib.sha256(content).digest():
            raise DeviceError(
                f"{self.port}: {path} reads back otherwise than it was written",
                "run the same command again; where that fails too, the flash may be worn",
            )

    def reset(self) -> None:
        """Start the board anew, and wait for its prompt. Raises DeviceError."""
        with _told(self.port), contextlib.redirect_stdout(io.StringIO()):
            with contextlib.suppress(TransportError):
                self._transport.exec_raw_no_follow("import machine; machine.reset()")
            self._await_prompt()

    def recover(self) -> None:
        """The prompt again, of a board that started anew by itself. Raises DeviceError."""
        with _told(self.port), contextlib.redirect_stdout(io.StringIO()):
            self._transport.enter_raw_repl(soft_reset=False, timeout_overall=_STARTS_WITHIN_S)

    def _await_prompt(self) -> None:
        """What is typed before the prompt is there may be lost, or come twice."""
        said = self._transport.read_until(
            1, _PROMPT, timeout=None, timeout_overall=_STARTS_WITHIN_S
        )
        if not said.endswith(_PROMPT):
            raise TransportError(f"no prompt within {_STARTS_WITHIN_S} s of its reset")
        self._transport.enter_raw_repl(soft_reset=False, timeout_overall=_PROMPT_S)


@contextlib.contextmanager
def attached(port: str) -> Iterator[SerialLine]:
    """The board on a port, left with its prompt as it was found. Raises DeviceError."""
    # mpremote prints what it does not understand.
    with contextlib.redirect_stdout(io.StringIO()):
        transport = _transport(port)
    try:
        with _told(port), contextlib.redirect_stdout(io.StringIO()):
            transport.enter_raw_repl(soft_reset=False, timeout_overall=_PROMPT_S)
        yield SerialLine(port, transport)
    finally:
        with contextlib.suppress(TransportError, serial.SerialException, OSError):
            transport.exit_raw_repl()
        with contextlib.suppress(serial.SerialException, OSError):
            transport.close()
        close(transport.serial)


def _transport(port: str) -> Any:
    try:
        return SerialTransport(port)
    except (TransportError, serial.SerialException, OSError, ValueError) as error:
        opened(port).close()  # tells why, which mpremote does not
        raise DeviceError(
            f"{port}: cannot be opened: {error}",
            "close every other program on this port, and run it again",
        ) from error


@contextlib.contextmanager
def _told(port: str) -> Iterator[None]:
    try:
        yield
    except TransportExecError as error:
        last = (error.error_output.strip().splitlines() or ["nothing said"])[-1]
        raise BoardError(f"{port}: on the board: {last}", _LOOK, last) from error
    except (TransportError, serial.SerialException, OSError) as error:
        raise DeviceError(f"{port}: the board does not answer: {error}", _LOOK) from error
