"""Whether a running server keeps its history: what its metrics say of series and retention."""

from collections.abc import Iterator

from headroom.findings import Finding
from headroom.history.retention_clock import LEAP_S

# It is brought up to date every 5 s; a pass over a large store takes longer.
_STILL_S = 60
_DAY_S = 86_400


def examine_keeper(metrics: str, now_unix_s: float) -> Iterator[Finding]:
    """Series that stand still, and a retention that waits for a clock."""
    still_s = now_unix_s - _figure(metrics, "headroom_keeper_last_success_timestamp_seconds")
    failures = round(_figure(metrics, "headroom_keeper_failures_total"))
    if failures and still_s > _STILL_S:
        yield Finding(
            "error",
            "series and retention",
            f"stand still for {round(still_s)} s and have failed {failures} times since the start",
            "the server's log says what fails; boards are served meanwhile, and the store grows",
        )
    lag_s = _figure(metrics, "headroom_retention_clock_lag_seconds")
    if lag_s > LEAP_S:
        yield Finding(
            "warning",
            "retention",
            f"goes by a time {round(lag_s / _DAY_S)} days behind this machine's clock, which is "
            "far ahead of what the store knows",
            "set the clock if it is wrong; if the coordinator was off for so long, wait: it "
            "catches up by itself",
        )


def _figure(metrics: str, name: str) -> float:
    """Of a metric without labels; 0 if a server of an earlier release does not have it."""
    values = [line.split(" ")[1] for line in metrics.splitlines() if line.startswith(f"{name} ")]
    return float(values[0]) if values else 0.0
