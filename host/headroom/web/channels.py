"""Connections of waitress as both listeners need them: its own errors are problem documents, what
is sent bit by bit holds no connection, and a response may stay open.
"""

from typing import TYPE_CHECKING

from waitress.channel import ClientDisconnected, HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import Error

from headroom.protocol.problems import LENGTH_REQUIRED, MEDIA_TYPE, of_status
from headroom.web.live_api import TAKE_OVER

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


class _NoLengthError(Error):  # type: ignore[misc]
    code = LENGTH_REQUIRED.status
    reason = "Length Required"


class _Parser(HTTPRequestParser):  # type: ignore[misc]
    """Refuses chunked bodies at once: their size is known only when they have been read."""

    empty: bool

    def received(self, data: bytes) -> int:
        taken: int = super().received(data)
        if self.empty:
            # Blank lines are no request that is over; they may go on for ever.
            self.empty = self.completed = False
            self.header_plus = b""
        return taken

    def parse_header(self, header_plus: bytes) -> None:
        try:
            super().parse_header(header_plus)
        except ValueError as error:
            # Such as a length of 5000 digits: waitress would log it and hang up.
            raise ParsingError("request line or Content-Length is invalid") from error
        if self.chunked:
            self.error = _NoLengthError("chunked bodies are not taken; state Content-Length")
            self.completed = True


class _ProblemTask(ErrorTask):  # type: ignore[misc]
    """Sends what waitress refuses by itself as a problem document."""

    def execute(self) -> None:
        body = of_status(self.request.error.code, self.request.error.body).encode()
        self.status = f"{self.request.error.code} {self.request.error.reason}"
        self.response_headers.append(("Content-Type", MEDIA_TYPE))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Task(WSGITask):  # type: ignore[misc]
    """Gives a response that shall stay open to who takes it over, and its thread back."""

    def finish(self) -> None:
        take_over = self.get_environment().get(TAKE_OVER)
        if take_over is None or not self.wrote_header:
            super().finish()
            return
        # The connection now belongs to the response; its end closes it.
        self.close_on_finish = False
        take_over(_OpenResponse(self))


class _OpenResponse:
    """A response that goes on in another thread, see `web.live`."""

    def __init__(self, task: _Task) -> None:
        self._task = task

    @property
    def is_behind(self) -> bool:
        channel = self._task.channel
        return bool(channel.connected and channel.total_outbufs_len)

    def write(self, chunk: bytes) -> bool:
        try:
            self._task.write(chunk)
        except ClientDisconnected:
            return False
        return True

    def end(self) -> None:
        channel = self._task.channel
        channel.will_close = True
        channel.server.pull_trigger()


class Channel(HTTPChannel):  # type: ignore[misc]
    """A person's connection: no chunked bodies, no slow requests, responses that stay open."""

    parser_class = _Parser
    task_class = _Task
    error_task_class = _ProblemTask
    last_activity: float

    def handle_read(self) -> None:
        # Who sends a request bit by bit holds a connection no longer than who sends none.
        begun_s = None if self.request is None else self.last_activity
        super().handle_read()
        if begun_s is not None and self.request is not None:
            self.last_activity = begun_s

    def handle_write(self) -> None:
        # Waitress takes it that nobody writes once no request is in work, and flushes without the
        # lock; a response that was taken over is written by another thread then.
        with self.outbuf_lock:
            super().handle_write()


class GroupChannel(Channel):
    """A board's connection, served with others of its kind, see `web.groups`: its environment is
    known before that.

    The response comes in two pieces and leaves in one, from the thread that polls.
    """

    def write_soon(self, data: bytes) -> int:
        if not self.connected:
            raise ClientDisconnected
        with self.outbuf_lock:
            self.outbufs[-1].append(data)
            self.total_outbufs_len += len(data)
        return len(data)

    def writable(self) -> bool:
        return not self.requests and bool(super().writable())

    def begin(self) -> "WSGIEnvironment | None":
        request = self.requests[0]
        if request.error:
            return None
        self._task = _Task(self, request)
        environ: WSGIEnvironment = self._task.get_environment()
        return environ

    def task_class(  # type: ignore[override]
        self, _channel: HTTPChannel, _request: HTTPRequestParser
    ) -> _Task:
        return self._task
