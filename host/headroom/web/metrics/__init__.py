"""The site as Prometheus metrics, read from the coordinator at each scrape.

A value that is not known now has no sample: of a silent board only its age and what the
coordinator itself knows of it are left.
"""

from collections.abc import Iterable, Iterator
from importlib.metadata import version
from platform import python_version

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from headroom.coordinator import Coordinator
from headroom.coordinator.snapshot import SiteView
from headroom.protocol.problems import (
    LENGTH_REQUIRED,
    MALFORMED,
    REPLAYED,
    STORE_UNAVAILABLE,
    TOO_LARGE,
    UNSIGNED,
)
from headroom.web.metrics.boards import board_metrics
from headroom.web.metrics.circuits import circuit_metrics
from headroom.web.metrics.families import counter, gauge
from headroom.web.metrics.feeders import feeder_metrics

_REFUSALS = (LENGTH_REQUIRED, MALFORMED, REPLAYED, STORE_UNAVAILABLE, TOO_LARGE, UNSIGNED)


def site_registry(coordinator: Coordinator) -> CollectorRegistry:
    """A registry of its own, so that several coordinators can live in one process."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_SiteCollector(coordinator))
    for instrument in coordinator.instruments:
        registry.register(instrument)
    ProcessCollector(registry=registry)
    return registry


class _SiteCollector(Collector):
    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator

    def describe(self) -> Iterable[Metric]:
        # Registering must not read the store.
        return ()

    def collect(self) -> Iterator[Metric]:
        view = self._coordinator.view()
        yield from circuit_metrics(view)
        yield from feeder_metrics(view)
        yield from board_metrics(view)
        yield from _coordinator_metrics(view)


def _coordinator_metrics(view: SiteView) -> Iterator[Metric]:
    # A counter that first shows itself at 1 has no increase in Prometheus' eyes: all start at 0.
    refusals = {kind.slug: 0 for kind in _REFUSALS} | dict(view.refusals)
    yield counter(
        "headroom_report_refusals",
        "Reports refused since this start, by problem.",
        ("reason",),
        [((reason,), count) for reason, count in refusals.items()],
    )
    yield gauge("headroom_epoch", "Term of this coordinator.", (), [((), view.epoch)])
    yield gauge(
        "headroom_build_info",
        "Release of this coordinator and the Python that runs it.",
        ("version", "python"),
        [((version("headroom"), python_version()), 1)],
    )
