"""Runs beside the coordinator: takes reports into the series, forgets what is old, and looks at
what is usual.
"""

import threading
import time

import structlog

from headroom.coordinator.clock import Clock
from headroom.coordinator.instruments import Instruments
from headroom.history.recorder import Recorder
from headroom.history.retention import Forgetting
from headroom.history.uncontrolled import UncontrolledLog
from headroom.history.usual import Usual
from headroom.store import StoreUnavailableError

log = structlog.get_logger()

_LOOK_S = 5.0
_STORE_AGAIN_S = 10.0
# Reports share the interpreter with series: these take a quarter of a core as long as that does.
_REST_TIMES = 3


class Keeper:
    """One small step after the other, until it is told to end."""

    def __init__(
        self,
        recorder: Recorder,
        uncontrolled: UncontrolledLog,
        usual: Usual,
        forgetting: Forgetting,
        clock: Clock,
        instruments: Instruments,
    ) -> None:
        self._recorder = recorder
        self._uncontrolled = uncontrolled
        self._usual = usual
        self._forgetting = forgetting
        self._clock = clock
        self._instruments = instruments
        instruments.keeper_success_unix_s.set(clock.unix_s())
        self._ended = threading.Event()
        self._failing = False
        self._is_behind = False
        self._worked_s = 0.0

    def step(self) -> float:
        """Do one thing that is due; how long to wait for the next."""
        now_unix_s = self._clock.unix_s()
        self._worked_s = time.thread_time()
        try:
            # First, for the recorder uses the minute that it may have to write.
            self._uncontrolled.step(now_unix_s)
            self._is_behind = self._recorder.step(now_unix_s, self._rest)
            busy = self._is_behind or self._forgetting.step(self._clock.monotonic_s(), now_unix_s)
            self._usual.step(now_unix_s)
        except StoreUnavailableError as error:
            if not self._failing:
                log.warning("series wait for the store", error=str(error))
            self._failing = True
            self._instruments.keeper_failures.inc()
            return _STORE_AGAIN_S
        except Exception:
            # Reports go on without series, and series with what mends it; the log says which.
            log.exception("series and retention failed, and are tried again")
            self._instruments.keeper_failures.inc()
            return _STORE_AGAIN_S
        self._failing = False
        self._instruments.keeper_success_unix_s.set(now_unix_s)
        return 0.0 if busy else _LOOK_S

    def _rest(self) -> None:
        """After a piece of work; not when the minute after it is over as well."""
        worked_s = time.thread_time() - self._worked_s
        if not self._is_behind:
            self._ended.wait(_REST_TIMES * worked_s)
        self._worked_s = time.thread_time()

    def run(self) -> None:
        """Step until `end` is called."""
        while not self._ended.wait(self.step()):
            pass

    def end(self) -> None:
        """Make `run` return."""
        self._ended.set()
