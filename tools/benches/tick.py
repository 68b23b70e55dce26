"""The cost of the control part of a tick in iterations of a fixed loop, projected to an ESP8266.

Loop and ticks run on the same interpreter, MicroPython's WebAssembly build, one after the other,
so that their ratio does not depend on the machine. The window of one mains cycle takes no time
here: the processor waits for the converter then. The rest is a projection and says so.

On this build a step of sum(), min() or max() costs more than one of the same loop in Python, as C
code that may catch exceptions is slow in WebAssembly. On the chip it cannot, and so their loops
over a window are counted as if they were written in Python.
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
RUNS, QUICK_RUNS = 300, 100

# One pystone (1.2, micropython-lib's pystone_lowmem) took as long as this many iterations of
# reference_loop.py when `node tools/benches/tick.mjs 300 FOLDER` ran both: 11.6 to 11.8.
PYSTONE_ITERATIONS = 11.7
# Reported for this port at 80 MHz in 2016: 204 to 233 a second. The board runs at 160 MHz; code in
# flash is cached, so it is taken as twice as fast.
PYSTONES_A_SECOND = 2 * 218

# One cycle of 50 Hz, and the conversion that is lost to the change of the input.
WINDOW_MS = 20 + 1.2
BUSY_PERCENT = 70


def measure(options: Options) -> Iterator[Figure]:
    """The multiple, then what it projects to."""
    runs = QUICK_RUNS if options.quick else RUNS
    with progress("tick", 1) as advance:
        command = [str(node_binary()), str(SCRIPT), str(runs)]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        advance()
    seen = json.loads(output.splitlines()[-1])
    c_loops = seen["c_loops"] - seen["python_loops"]
    multiple = (seen["tick"] - seen["empty"] - c_loops) / seen["reference"]
    control_ms = multiple / PYSTONE_ITERATIONS / PYSTONES_A_SECOND * 1000
    tick_ms = seen["tick_ms"]
    command_line = options.command("tick")
    yield Figure(
        "tick",
        "control part of a tick, in iterations of firmware/tests/reference_loop.py",
        round(multiple, 1),
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
        round(100 * (WINDOW_MS + control_ms) / tick_ms, 1),
        "%",
        command_line,
        BUSY_PERCENT,
        "the window alone",
        round(100 * WINDOW_MS / tick_ms, 1),
    )
