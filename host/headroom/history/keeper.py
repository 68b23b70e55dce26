"""Runs beside the coordinator: takes reports into the series, and forgets what is old."""

import threading

import structlog

from headroom.coordinator.clock import Clock
from headroom.coordinator.instruments import Instruments
from headroom.history.recorder import Recorder
from headroom.history.retention import Forgetting
from headroom.history.uncontrolled import UncontrolledLog
from headroom.store import StoreUnavailableError

log = structlog.get_logger()

_LOOK_S = 5.0
_STORE_AGAIN_S = 10.0


class Keeper:
    """One small step after the other, until it is told to end."""

    def __init__(
        self,
        recorder: Recorder,
        uncontrolled: UncontrolledLog,
        forgetting: Forgetting,
        clock: Clock,
        instruments: Instruments,
    ) -> None:
        self._recorder = recorder
        self._uncontrolled = uncontrolled
        self._forgetting = forgetting
        self._clock = clock
        self._instruments = instruments
        instruments.keeper_success_unix_s.set(clock.unix_s())
        self._ended = threading.Event()
        self._failing = False

    def step(self) -> float:
        """Do one thing that is due; how long to wait for the next."""
        now_unix_s = self._clock.unix_s()
        try:
            # First, for the recorder uses the minute that it may have to write.
            self._uncontrolled.step(now_unix_s)
            busy = self._recorder.step(now_unix_s) or self._forgetting.step(
                self._clock.monotonic_s(), now_unix_s
            )
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

    def run(self) -> None:
        """Step until `end` is called."""
        while not self._ended.wait(self.step()):
            pass

    def end(self) -> None:
        """Make `run` return."""
        self._ended.set()
