"""The cost of the control part of a tick in iterations of a fixed loop, projected to an ESP8266.

Loop and ticks run on the same interpreter, MicroPython's WebAssembly build, one after the other,
so that their ratio does not depend on the machine. The window of one mains cycle takes no time
here: the processor waits for the converter then. What it does with each conversion in the waits is
measured apart, and has to fit: the wait is reckoned for the fastest converter and a bus as slow as
the chip's. A tick is the mean over a second; its step of the link is not in it, as this node has
none. The rest is a projection and says so.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from boards.virtual.processor import node_binary
from tools.benches.figure import Figure, Options
from tools.benches.progress import progress

SCRIPT = Path(__file__).parent / "tick.mjs"
RUNS, QUICK_RUNS = 100, 40

# One pystone (1.2, micropython-lib's pystone_lowmem) took as long as this many iterations of
# reference_loop.py when `node tools/benches/tick.mjs 300 FOLDER` ran both: 11.6 to 11.8.
PYSTONE_ITERATIONS = 11.7
# Reported for this port at 80 MHz in 2016: 204 to 233 a second. The board runs at 160 MHz; code in
# flash is cached, so it is taken as twice as fast.
PYSTONES_A_SECOND = 2 * 218

# A conversion of the fastest ADS1115, 860 a second and 10 % more, and the three bytes on the bus
# that it is read with.
SHORTEST_WAIT_MS = 1000 / 860 / 1.1 - 3 * 0.095
BUSY_PERCENT = 70


def measure(options: Options) -> Iterator[Figure]:
    """The multiple, then what it projects to."""
    runs = QUICK_RUNS if options.quick else RUNS
    with progress("tick", 1) as advance:
        command = [str(node_binary()), str(SCRIPT), str(runs)]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        advance()
    seen = json.loads(output.splitlines()[-1])
    # The last conversion of a window has no wait.
    control = (seen["tick"] - seen["empty"] + seen["add"]) / seen["reference"]
    between = (seen["conversions"] - seen["transfers"]) / seen["count"] / seen["reference"]
    control_ms = _projected_ms(control)
    longest_ms = _projected_ms((seen["longest"] - seen["empty"] + seen["add"]) / seen["reference"])
    window_ms = seen["window_us"] / 1000
    tick_ms = seen["tick_ms"]
    command_line = options.command("tick")
    yield Figure(
        "tick",
        "control part of a tick, in iterations of firmware/tests/reference_loop.py",
        round(control, 1),
        "iterations",
        command_line,
        reference="one iteration on this machine, us",
        reference_value=round(seen["reference"], 2),
    )
    yield Figure(
        "tick",
        "projection: control part on an ESP8266 at 160 MHz",
        round(control_ms, 1),
        "ms",
        command_line,
        reference="pystones a second at 160 MHz, twice what was reported at 80 MHz",
        reference_value=PYSTONES_A_SECOND,
    )
    yield Figure(
        "tick",
        f"projection: busy share of a tick of {tick_ms} ms, the window included",
        round(100 * (window_ms + control_ms) / tick_ms, 1),
        "%",
        command_line,
        BUSY_PERCENT,
        "the window alone",
        round(100 * window_ms / tick_ms, 1),
    )
    yield Figure(
        "tick",
        "projection: the longest tick of a second, the window included",
        round(window_ms + longest_ms, 1),
        "ms",
        command_line,
        tick_ms,
    )
    yield Figure(
        "tick",
        "projection: work on a conversion while the fastest converter makes the next one",
        round(_projected_ms(between), 2),
        "ms",
        command_line,
        round(SHORTEST_WAIT_MS, 2),
    )


def _projected_ms(iterations: float) -> float:
    return iterations / PYSTONE_ITERATIONS / PYSTONES_A_SECOND * 1000
