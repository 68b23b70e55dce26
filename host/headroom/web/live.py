"""The live state as server-sent events, from one thread for all who watch.

A stream that held a worker of the web server would starve the API with a handful of open pages.
So a worker only begins the response; `server` then hands it to the hub, whose thread renders the
state once for all and tells each what is new to it.
"""

import json
import re
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from headroom.protocol.problems import STORE_UNAVAILABLE, TOO_MANY_STREAMS, ProblemError
from headroom.store import StoreUnavailableError
from headroom.web.versions import Document, Versions

MOST_STREAMS = 32
# Whoever leaves pages open everywhere, or means to, shall not keep others from theirs.
MOST_STREAMS_EACH = 8
# How often changes are looked for, and how much of the time that may take.
_LOOK_S = 0.5
_SHARE = 0.1
# Without a change the time is told after this: a page that hears nothing for longer has lost its
# connection. The right to a stream is looked at as often.
QUIET_S = 5.0
# After this a browser whose stream was cut connects again.
_RETRY_MS = 1000
# Who has not read what it was told before is told nothing more; after this it is left.
SLOW_S = 30.0


class OpenResponse(Protocol):
    """A response whose head was sent. Its methods do not block."""

    @property
    def is_behind(self) -> bool:
        """Whether the client has yet to read some of what was written."""

    def write(self, chunk: bytes) -> bool:
        """Send more of the body; False if the client is gone."""

    def end(self) -> None:
        """Close the connection."""


@dataclass(frozen=True)
class Begun:
    """The first event of a response: for whom, which version of the state, in which beat."""

    who: str
    event: bytes
    version: int
    beat: int


@dataclass
class _Stream:
    who: str
    response: OpenResponse
    may_go_on: Callable[[], bool]
    version: int
    beat: int
    told_s: float
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
        # Versions begin anew with each start, and this tells those of different ones apart.
        self._run_id = secrets.token_hex(4)
        self._versions = Versions()
        self._problem: Document | None = None
        # Counts what there was to tell: changes, problems, and that time has passed.
        self._beat = 0
        self._beat_s = self._looked_s = -QUIET_S
        self._took_s = 0.0
        self._running = False

    def begin(self, who: str, last_id: str = "") -> Begun:
        """What is new since the event of that id, or all; raises `too-many-streams`."""
        with self._lock:
            self._require_room(who)
            self._look()
            event, version = self._event(self._version_of(last_id))
            return Begun(who, event, version, self._beat)

    def keep(self, response: OpenResponse, begun: Begun, may_go_on: Callable[[], bool]) -> None:
        """Go on with a response that has begun, for as long as it `may_go_on`."""
        with self._lock:
            try:
                self._require_room(begun.who)
            except ProblemError:  # while it began, others did too
                response.end()
                return
            now_s = self._now_s()
            self._streams.append(
                _Stream(begun.who, response, may_go_on, begun.version, begun.beat, now_s, now_s)
            )
            if not self._running:
                self._running = True
                self._start(self._run)

    def step(self) -> bool:
        """Bring every stream up to date; False once there is none."""
        with self._lock:
            self._look()
            events: dict[int, tuple[bytes, int]] = {}
            self._streams = [stream for stream in self._streams if self._goes_on(stream, events)]
            self._running = bool(self._streams)
            return self._running

    def _require_room(self, who: str) -> None:
        if len(self._streams) >= MOST_STREAMS:
            raise ProblemError(TOO_MANY_STREAMS, f"{MOST_STREAMS} streams are open")
        if sum(stream.who == who for stream in self._streams) >= MOST_STREAMS_EACH:
            raise ProblemError(TOO_MANY_STREAMS, f"{MOST_STREAMS_EACH} streams of {who} are open")

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

    def _goes_on(self, stream: _Stream, events: dict[int, tuple[bytes, int]]) -> bool:
        """Tell a stream what it has missed; `events` has what others of its version were told."""
        now_s = self._now_s()
        if not self._may_go_on(stream, now_s):
            stream.response.end()
            return False
        if stream.beat == self._beat or stream.response.is_behind:
            return True
        known = stream.version
        if known not in events:
            events[known] = self._event(known)
        event, stream.version = events[known]
        stream.beat, stream.told_s = self._beat, now_s
        return stream.response.write(event)

    def _may_go_on(self, stream: _Stream, now_s: float) -> bool:
        if stream.response.is_behind and now_s - stream.told_s >= SLOW_S:
            return False
        if now_s - stream.checked_s < QUIET_S:
            return True
        stream.checked_s = now_s
        return stream.may_go_on()

    def _look(self) -> None:
        """Look for something to tell, unless that was done just now."""
        now_s = self._now_s()
        if now_s - self._looked_s < _LOOK_S:
            return
        is_new = self._has_news()
        self._looked_s, self._took_s = now_s, self._now_s() - now_s
        if is_new or now_s - self._beat_s >= QUIET_S:
            self._beat += 1
            self._beat_s = now_s

    def _has_news(self) -> bool:
        before, self._problem = self._problem, None
        try:
            is_new = self._versions.take(self._render())
        except StoreUnavailableError as error:
            self._problem = ProblemError(STORE_UNAVAILABLE, str(error)).document()
            return self._problem != before
        return is_new or before is not None

    def _event(self, known: int) -> tuple[bytes, int]:
        """What to tell somebody who knows a version, and which one they know then."""
        if self._problem is not None:
            return _event("problem", self._problem), known
        change = self._versions.since(known)
        version = self._versions.version
        event_id = f"id: {self._run_id}-{version}"
        if change is None:
            return _event("state", self._versions.state, event_id, f"retry: {_RETRY_MS}"), version
        return _event("change", change, event_id), version

    def _version_of(self, event_id: str) -> int:
        """0 if it is none of this start's."""
        found = re.fullmatch(rf"{self._run_id}-([0-9]{{1,15}})", event_id)
        return int(found[1]) if found else 0


def _event(kind: str, document: Document, *fields: str) -> bytes:
    data = json.dumps(document, separators=(",", ":"))
    return "\n".join((f"event: {kind}", f"data: {data}", *fields, "\n")).encode()
