"""Both listeners in one process, on waitress, whose own errors become problem documents too."""

import socket
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import ClientDisconnected, HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import Error

from headroom.protocol.messages import MAX_REPORT_BYTES
from headroom.protocol.problems import (
    LENGTH_REQUIRED,
    MEDIA_TYPE,
    of_status,
)
from headroom.web.admission import SHARED_LIMIT, LimitedServer
from headroom.web.api_app import MAX_BODY_BYTES
from headroom.web.board_app import BoardApp
from headroom.web.groups import GroupDispatcher
from headroom.web.live_api import TAKE_OVER

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

_PEOPLE_THREADS = 4
# Head of a request. A board's has 300 bytes; a browser's has the cookies of all that runs on the
# same host beside it.
_MAX_HEADER_BYTES = 1 << 14
_MAX_BOARD_HEADER_BYTES = 2048
# A board that has not sent its 1.5 KiB by then never will.
_IDLE_S = 10
# Of boards at most, and of one address: a board has one, and the benches stand for many at one.
_OF_BOARDS = (400, 100)
# A browser has six, and a stream for each page that is open; a proxy has those of everybody.
_OF_PEOPLE = (200, 100)


class ListenError(Exception):
    """An address that cannot be listened on; names it and says why."""


@dataclass(frozen=True)
class Address:
    """Host and port to listen on; port 0 = any that is free."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `HOST:PORT` or `[IPv6]:PORT`; raises ValueError."""
        host, _, port = text.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise ValueError(f"{text!r} is not HOST:PORT, such as 192.168.1.10:8087")
        return cls(host.removeprefix("[").removesuffix("]"), int(port))

    @property
    def family(self) -> socket.AddressFamily:
        """Which Internet protocol; a name is taken as one of version 4."""
        return socket.AF_INET6 if ":" in self.host else socket.AF_INET

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


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


class _Channel(HTTPChannel):  # type: ignore[misc]
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


class _GroupChannel(_Channel):
    """Is served with others, see `web.groups`: its environment is known before it is served.

    Its response comes in two pieces and leaves in one, from the thread that polls.
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


class Listeners:
    """The board endpoint and the API, served together by `run` until a signal ends it."""

    def __init__(self) -> None:
        self._sockets: dict[int, Any] = {}
        self._servers: list[Any] = []

    def listen_for_boards(self, app: BoardApp, address: Address) -> Address:
        """Open the signed endpoint; gives the address with its real port. Raises ListenError."""
        server = self._listen(
            app,
            address,
            MAX_REPORT_BYTES,
            _OF_BOARDS,
            GroupDispatcher(app.prepare),
            max_request_header_size=_MAX_BOARD_HEADER_BYTES,
        )
        server.channel_class = _GroupChannel
        return Address(address.host, int(server.effective_port))

    def listen_for_people(self, app: "WSGIApplication", address: Address) -> Address:
        """Open page and API; gives the address with its real port. Raises ListenError."""
        server = self._listen(
            app,
            address,
            MAX_BODY_BYTES,
            _OF_PEOPLE,
            None,
            max_request_header_size=_MAX_HEADER_BYTES,
            threads=_PEOPLE_THREADS,
        )
        server.channel_class = _Channel
        return Address(address.host, int(server.effective_port))

    def run(self) -> None:
        """Serve until SystemExit or KeyboardInterrupt is raised in this thread, or `stop`."""
        wasyncore.loop(timeout=1, use_poll=True, map=self._sockets)

    def stop(self) -> None:
        """Make `run` return; for threads other than the one that it runs in."""
        self._servers[0].trigger.pull_trigger(lambda: wasyncore.close_all(self._sockets))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        for server in self._servers:
            server.task_dispatcher.shutdown()
        # What was answered last still leaves.
        wasyncore.loop(timeout=0, use_poll=True, map=self._sockets, count=1)
        wasyncore.close_all(self._sockets)

    def _listen(
        self,
        app: "WSGIApplication",
        address: Address,
        max_bytes: int,
        connections: tuple[int, int],
        dispatcher: GroupDispatcher | None,
        **adjustments: Any,
    ) -> Any:
        try:
            bound = socket.create_server((address.host, address.port), family=address.family)
        except OSError as error:
            raise ListenError(f"cannot listen on {address}: {error.strerror}") from error
        most, most_of_one = connections
        server = LimitedServer(
            app,
            map=self._sockets,
            _sock=bound,
            dispatcher=dispatcher,
            adj=Adjustments(
                channel_timeout=_IDLE_S,
                cleanup_interval=_IDLE_S,
                connection_limit=SHARED_LIMIT,
                # Waitress refuses at this size, not above it.
                max_request_body_size=max_bytes + 1,
                ident=None,
                **adjustments,
            ),
            bind_socket=False,
            sockinfo=(bound.family, bound.type, bound.proto, bound.getsockname()),
            most=most,
            most_of_one=most_of_one,
        )
        self._servers.append(server)
        return server
