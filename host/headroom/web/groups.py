"""Requests that wait are served as one group, by one thread: one sync of the disk does for all.

While a group is being stored the next one gathers. So a lone request waits for nobody, and the
more there are, the less a sync costs each. No request needs a thread of its own to wait in.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import structlog

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

log = structlog.get_logger()

# Where a request's environment says when it was there as a whole, by `time.perf_counter`.
CAME_S = "headroom.came_s"


class Request(Protocol):
    """A connection of waitress that has a whole request."""

    def begin(self) -> "WSGIEnvironment | None":
        """The environment that it will be served with; None if it cannot be served well."""

    def service(self) -> None:
        """Have the application answer it."""

    def cancel(self) -> None:
        """Close it without an answer."""


class GroupDispatcher:
    """Takes the place of waitress' pool of threads.

    `prepare` gets the environments of a group before each is served with its own. What it raises
    is logged; the application then has to do without, request by request.
    """

    def __init__(self, prepare: "Callable[[Sequence[WSGIEnvironment]], None]") -> None:
        self._prepare = prepare
        self._changed = threading.Condition()
        self._waiting: list[tuple[Request, float]] = []
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="groups", daemon=True)
        self._thread.start()

    def add_task(self, request: Request) -> None:
        """Have it served with the next group."""
        with self._changed:
            self._waiting.append((request, time.perf_counter()))
            self._changed.notify()

    def shutdown(self) -> None:
        """End when the group under way is served; who waits is turned away."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join()
        for request, _ in self._waiting:
            request.cancel()

    def _run(self) -> None:
        while group := self._gather():
            self._prepare_all(group)
            for request, _ in group:
                try:
                    request.service()
                except Exception:
                    log.exception("a request could not be served")

    def _prepare_all(self, group: "list[tuple[Request, float]]") -> None:
        environs = []
        try:
            for request, came_s in group:
                if environ := request.begin():
                    environ[CAME_S] = came_s
                    environs.append(environ)
            self._prepare(environs)
        except Exception:
            log.exception("a group of requests could not be served as one")

    def _gather(self) -> list[tuple[Request, float]]:
        """All that waits, at least one; nothing at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended)
            if self._ended:
                return []
            group, self._waiting = self._waiting, []
            return group
