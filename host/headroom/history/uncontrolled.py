"""What is measured of uncontrolled load, kept by minute for the series of feeders."""

from collections.abc import Callable, Mapping

from headroom.history.steps import MINUTE_S, UncontrolledStep, minute_of
from headroom.phases import PHASES, PhaseMa
from headroom.store import Store, series

_EVERY_S = 5.0


class UncontrolledLog:
    """Samples the load of metered feeders, and writes each minute once it is over."""

    def __init__(self, measured_ma: Callable[[], Mapping[str, PhaseMa]], store: Store) -> None:
        """`measured_ma` gives it now, by feeder; the most that it may be if a reading is old."""
        self._measured_ma = measured_ma
        self._store = store
        self._samples: list[Mapping[str, PhaseMa]] = []
        self._sampled_unix_s = 0.0

    def step(self, now_unix_s: float) -> None:
        """Sample if it is time; raises StoreUnavailableError if a minute cannot be written."""
        minute_unix_s = minute_of(int(self._sampled_unix_s))
        if self._samples and minute_of(int(now_unix_s)) != minute_unix_s:
            steps = steps_of_samples(minute_unix_s, self._samples)
            with self._store.write() as db:
                series.put_uncontrolled_steps(db, steps)
            self._samples = []
        # Also after the clock was set back.
        if abs(now_unix_s - self._sampled_unix_s) >= _EVERY_S:
            self._samples.append(self._measured_ma())
            self._sampled_unix_s = now_unix_s


def steps_of_samples(unix_s: int, samples: list[Mapping[str, PhaseMa]]) -> list[UncontrolledStep]:
    """A minute of each feeder phase from what was measured in it."""
    steps = []
    for feeder in sorted({feeder for sample in samples for feeder in sample}):
        of_feeder = [sample[feeder] for sample in samples if feeder in sample]
        for phase, of_phase in zip(PHASES, zip(*of_feeder, strict=True), strict=True):
            mean_ma = sum(of_phase) // len(of_phase)
            steps.append(UncontrolledStep(feeder, phase, MINUTE_S, unix_s, mean_ma, max(of_phase)))
    return steps
