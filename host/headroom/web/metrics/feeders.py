"""Metrics of feeders, each by phase."""

from collections.abc import Callable, Iterator

from prometheus_client.core import Metric

from headroom.coordinator.snapshot import FeederView, SiteView
from headroom.phases import ZERO_MA, Phase, PhaseMa, phase_index
from headroom.site import Feeder
from headroom.web.metrics.families import gauge

_FIGURES: tuple[tuple[str, str, Callable[[FeederView], PhaseMa]], ...] = (
    ("current", "Measured and uncontrolled current.", lambda view: view.current_ma),
    ("uncontrolled", "What no relay controls on it.", lambda view: view.uncontrolled_ma),
    ("silent", "Most that boards gone silent may use on top.", lambda view: view.silent_ma),
    ("headroom", "Limit less current and silent boards.", lambda view: view.headroom_ma),
    ("limit", "Most current wanted.", lambda view: view.feeder.limit_ma),
    ("rating", "What the breaker carries for ever.", lambda view: view.feeder.rating_ma),
    (
        "committed",
        "Uncontrolled load and all that boards may use by right.",
        lambda view: view.committed_ma,
    ),
)


def feeder_metrics(view: SiteView) -> Iterator[Metric]:
    """Current, limit and what is between them."""
    for figure, text, of_feeder in _FIGURES:
        yield gauge(
            f"headroom_feeder_{figure}_amperes",
            text,
            ("feeder", "phase"),
            [
                ((feeder.feeder.id, phase), of_feeder(feeder)[phase_index(phase)] / 1000)
                for feeder in view.feeders
                for phase in feeder.feeder.phases
            ],
        )
    yield gauge(
        "headroom_feeder_uncontrolled_assumed",
        "1 if no reading of its meter is fresh, so that it counts as the most it may be.",
        ("feeder", "phase"),
        [
            ((feeder.feeder.id, phase), not feeder.metered[phase_index(phase)])
            for feeder in view.feeders
            for phase in _metered(feeder.feeder)
        ],
    )


def _metered(feeder: Feeder) -> list[Phase]:
    most_ma = feeder.meter.max_ma if feeder.meter else ZERO_MA
    return [phase for phase in feeder.phases if most_ma[phase_index(phase)]]
