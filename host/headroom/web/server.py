"""Both listeners in one process, on waitress."""

import socket
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from waitress import wasyncore
from waitress.adjustments import Adjustments

from headroom.protocol.messages import MAX_REPORT_BYTES
from headroom.web.address import Address, ListenError
from headroom.web.admission import SHARED_LIMIT, LimitedServer
from headroom.web.api_app import MAX_BODY_BYTES
from headroom.web.board_app import BoardApp
from headroom.web.channels import Channel, GroupChannel
from headroom.web.groups import GroupDispatcher

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

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
        server.channel_class = GroupChannel
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
        server.channel_class = Channel
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
