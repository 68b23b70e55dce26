"""The live state as server-sent events, from one thread for all who watch.

A stream that held a worker of the web server would starve the API with a handful of open pages.
So a worker only begins the response; `server` then hands it to the hub, whose thread renders the
state once for all and writes the same bytes to each.
"""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from headroom.protocol.problems import STORE_UNAVAILABLE, TOO_MANY_STREAMS, ProblemError
from headroom.store import StoreUnavailableError

Document = dict[str, Any]

MOST_STREAMS = 32
# How often changes are looked for, and how much of the time that may take.
_LOOK_S = 0.5
_SHARE = 0.1
# Without a change the state is sent again after this time: a page that hears nothing for longer
# has lost its connection. The right to a stream is looked at as often.
QUIET_S = 5.0


class OpenResponse(Protocol):
    """A response whose head was sent. Its methods do not block."""

    def write(self, chunk: bytes) -> bool:
        """Send more of the body; False if the client is gone or reads too slowly."""

    def end(self) -> None:
        """Close the connection."""


@dataclass(frozen=True)
class Newest:
    """An event, and the version of the state that it tells."""

    version: int
    event: bytes


@dataclass
class _Stream:
    response: OpenResponse
    may_go_on: Callable[[], bool]
    version: int
    checked_s: float


def _start_thread(run: Callable[[], None]) -> None:
    threading.Thread(target=run, name="live").start()


class LiveHub:
    """Keeps open responses up to date. Its methods may be called from any thread."""

    def __init__(
        self,
        render: Callable[[], Document],
        now_s: Callable[[], float] = time.monotonic,
        start: Callable[[Callable[[], None]], None] = _start_thread,
    ) -> None:
        self._render = render
        self._now_s = now_s
        self._start = start
        self._lock = threading.Lock()
        self._streams: list[_Stream] = []
        self._kind, self._document = "state", Document()
        self._version = 0
        self._versioned_s = self._rendered_s = -QUIET_S
        self._took_s = 0.0
        self._running = False

    def newest(self) -> Newest:
        """The state as it is; raises `too-many-streams` if no further stream can be kept."""
        with self._lock:
            if len(self._streams) >= MOST_STREAMS:
                raise ProblemError(TOO_MANY_STREAMS, f"{MOST_STREAMS} streams are open")
            self._refresh()
            return Newest(self._version, self._event())

    def keep(self, response: OpenResponse, version: int, may_go_on: Callable[[], bool]) -> None:
        """Go on with a response that has told a version, for as long as it `may_go_on`."""
        with self._lock:
            if len(self._streams) >= MOST_STREAMS:
                response.end()
                return
            self._streams.append(_Stream(response, may_go_on, version, self._now_s()))
            if not self._running:
                self._running = True
                self._start(self._run)

    def step(self) -> bool:
        """Bring every stream up to date; False once there is none."""
        with self._lock:
            self._refresh()
            event = self._event()
            self._streams = [stream for stream in self._streams if self._goes_on(stream, event)]
            self._running = bool(self._streams)
            return self._running

    def _run(self) -> None:
        try:
            while self.step():
                time.sleep(max(_LOOK_S, self._took_s / _SHARE))
        except BaseException:
            # Whoever watches comes again, and finds a new thread or is told what is wrong.
            self._end_all()
            raise

    def _end_all(self) -> None:
        with self._lock:
            for stream in self._streams:
                stream.response.end()
            self._streams, self._running = [], False

    def _goes_on(self, stream: _Stream, event: bytes) -> bool:
        now_s = self._now_s()
        if now_s - stream.checked_s >= QUIET_S:
            stream.checked_s = now_s
            if not stream.may_go_on():
                stream.response.end()
                return False
        if stream.version == self._version:
            return True
        stream.version = self._version
        return stream.response.write(event)

    def _refresh(self) -> None:
        """Render, unless it was done just now; a new version if something is to be told."""
        now_s = self._now_s()
        if now_s - self._rendered_s < _LOOK_S:
            return
        before = (self._kind, _without_ages(self._document))
        self._kind, self._document = self._rendered()
        self._rendered_s, self._took_s = now_s, self._now_s() - now_s
        changed = (self._kind, _without_ages(self._document)) != before
        if changed or now_s - self._versioned_s >= QUIET_S:
            self._version += 1
            self._versioned_s = now_s

    def _rendered(self) -> tuple[str, Document]:
        try:
            return "state", self._render()
        except StoreUnavailableError as error:
            return "problem", ProblemError(STORE_UNAVAILABLE, str(error)).document()

    def _event(self) -> bytes:
        data = json.dumps(self._document, separators=(",", ":"))
        return f"event: {self._kind}\ndata: {data}\n\n".encode()


def _without_ages(document: Document) -> Document:
    """What is left of a state when the mere passing of time is no change."""
    boards = [board | {"age_s": None} for board in document.get("boards", [])]
    return document | {"unix_s": None, "boards": boards}
