"""The firmware's RMS on measured currents, played through the model of the converter.

Each cycle is scaled to 5 A RMS and repeats at 60 Hz, as it was measured. The firmware's own driver
and arithmetic take windows of one cycle, a scan of four circuits apart. The part's rate is off by
-10, +3 and +10 %. The *one-second mean* is that of the six windows which one circuit gets in it.
The errors are those before the firmware raises what it tells as `spiky`.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from boards.virtual.board import Fitting, VirtualBoard
from boards.virtual.network import Network, Peer
from boards.virtual.plant import Constant, Wiring
from tools.benches.figure import Figure, Options, percentile
from tools.benches.progress import progress

CYCLES = Path(__file__).parent / "cycles.csv"
MAINS_HZ = 60
LOAD_A = 5.0
RATE_ERRORS = (-0.1, 0.03, 0.1)
WINDOWS, QUICK_WINDOWS = 60, 36
WINDOWS_A_SECOND = 6
TARGET_PERCENT = 2.0
TARGET_BELOW_THD = 0.3
# What reads lower than this hides a current that a breaker may trip for, IEC 60898-1's 1.13.
HIDES_PERCENT = round(100 * (1 - 1 / 1.13), 1)

# Windows at the times of a scan of four circuits, less what a window takes itself.
PROGRAM = """
from array import array
import machine, time
from node.app import Clock, Ct
machine.Pin(5, machine.Pin.OUT, value=1)
machine.Pin(16, machine.Pin.OUT, value=1)
class Hardware:
    i2c = machine.I2C(scl=machine.Pin(0), sda=machine.Pin(4))
    time = time
clock = Clock(time)
circuit = {"channel": 0, "ct_ma_per_v": 30000, "spiky_percent": 0}
got = array("i", [0] * 64)
def windows(count):
    ct = Ct([circuit], %d, Hardware, clock)
    ct.find()
    for k in range(count):
        time.sleep_us(137000 + 1777 * (k %% 7))
        state = ct.measure(0, 160)
        got[k] = ct.current_ma
    print(state)
"""


@dataclass(frozen=True)
class Cycle:
    """One measured cycle of an appliance's current."""

    appliance: str
    samples: Sequence[float]

    @property
    def crest(self) -> float:
        """Peak by RMS."""
        return max(map(abs, self.samples)) / _rms(self.samples)

    @property
    def thd(self) -> float:
        """RMS of all harmonics by that of the fundamental."""
        turn = 2 * math.pi / len(self.samples)
        real = sum(s * math.cos(turn * k) for k, s in enumerate(self.samples))
        imaginary = sum(s * math.sin(turn * k) for k, s in enumerate(self.samples))
        fundamental = math.hypot(real, imaginary) * math.sqrt(2) / len(self.samples)
        return math.sqrt(max(_rms(self.samples) ** 2 / fundamental**2 - 1, 0.0))


@dataclass(frozen=True)
class Run:
    """What the firmware made of one cycle: the error of each window in percent, the last state."""

    errors: Sequence[float]
    state: str


def measure(options: Options) -> Iterator[Figure]:
    """Four figures for each appliance, in order of its THD; then the lowest reading of all."""
    cycles = load_cycles()
    count = QUICK_WINDOWS if options.quick else WINDOWS
    if options.quick:
        cycles = {name: of[:1] for name, of in cycles.items()}
    runs: dict[str, list[Run]] = {name: [] for name in cycles}
    rates = RATE_ERRORS[1:2] if options.quick else RATE_ERRORS
    with progress("waveforms", len(rates) * sum(map(len, cycles.values()))) as advance:
        for rate in rates:
            board = make_board(rate, options.seed)
            try:
                for name, of in cycles.items():
                    for cycle in of:
                        runs[name].append(play(board, cycle, count))
                        advance()
            finally:
                board.close()
    for name in sorted(cycles, key=lambda name: median_thd(cycles[name])):
        yield from appliance_figures(name, cycles[name], runs[name], options)
    lowest = min(second for of in runs.values() for run in of for second in seconds(run.errors))
    yield Figure(
        "waveforms",
        "one-second mean, most that any reads low",
        round(-lowest, 2),
        "%",
        options.command("waveforms"),
        reference="an overload that a breaker may trip for reads as none from here on",
        reference_value=HIDES_PERCENT,
    )


def appliance_figures(
    name: str, cycles: list[Cycle], runs: list[Run], options: Options
) -> Iterator[Figure]:
    """What the readings of one appliance come to."""
    thd = median_thd(cycles)
    crest = percentile([cycle.crest for cycle in cycles], 0.5)
    what = f"{name}, crest factor {crest:.1f}, THD {thd:.2f}"
    windows = [abs(error) for run in runs for error in run.errors]
    means = [second for run in runs for second in seconds(run.errors)]
    target = TARGET_PERCENT if thd < TARGET_BELOW_THD else None
    yield figure(f"{what}: single window, median", percentile(windows, 0.5), None, options)
    most = percentile(windows, 0.95)
    yield figure(f"{what}: single window, 95th percentile", most, None, options)
    worst = percentile([abs(mean) for mean in means], 0.95)
    bias = round(sum(means) / len(means), 2)
    yield figure(f"{what}: one-second mean, 95th percentile", worst, target, options, bias)
    told = 100 * sum(run.state == "spiky" for run in runs) / len(runs)
    yield figure(f"{what}: told as spiky", told, None, options)


def figure(
    what: str, value: float, target: float | None, options: Options, bias: float | None = None
) -> Figure:
    """A figure of this bench, in percent: of the true RMS, or of runs."""
    reference = None if bias is None else "bias: mean error with its sign, %"
    command = options.command("waveforms")
    return Figure("waveforms", what, round(value, 2), "%", command, target, reference, bias)


def seconds(errors: Sequence[float]) -> list[float]:
    """The errors of one-second means, of the errors of single windows that follow each other."""
    n = WINDOWS_A_SECOND
    return [sum(errors[k : k + n]) / n for k in range(0, len(errors) - n + 1, n)]


def median_thd(cycles: Sequence[Cycle]) -> float:
    """Of the cycles of one appliance."""
    return percentile([cycle.thd for cycle in cycles], 0.5)


def load_cycles() -> dict[str, list[Cycle]]:
    """The measured cycles by appliance; those beyond the target's THD apart from the others."""
    found: dict[str, list[Cycle]] = {}
    with CYCLES.open() as lines:
        for row in csv.DictReader(lines):
            samples = [float(value) for key, value in row.items() if key[0] == "s"]
            cycle = Cycle(row["appliance"], samples)
            strong = ", strong harmonics" if cycle.thd >= TARGET_BELOW_THD else ""
            found.setdefault(cycle.appliance + strong, []).append(cycle)
    return found


def make_board(rate_error: float, seed: int) -> VirtualBoard:
    """A board with the firmware's sensing and nothing else, and one load of 5 A."""
    fitting = Fitting(
        seed=seed,
        mains_hz=MAINS_HZ,
        rate_error=rate_error,
        wirings=[Wiring(pin, channel, 1) for channel, pin in enumerate((16, 14, 12, 13))],
    )
    board = VirtualBoard(fitting, Network(_nobody))
    board.install({"boot.py": b"", "main.py": (PROGRAM % MAINS_HZ).encode()})
    board.set_load(0, Constant(LOAD_A))
    board.power_on()
    return board


def play(board: VirtualBoard, cycle: Cycle, count: int) -> Run:
    """Some windows of a cycle that repeats."""
    board.set_cycle(0, cycle.samples)
    state = board.exec(f"windows({count})").strip()
    read = board.exec(f"print(*got[:{count}])").split()
    return Run([100 * (int(reading) / (1000 * LOAD_A) - 1) for reading in read], state)


def _rms(samples: Sequence[float]) -> float:
    return math.sqrt(sum(s * s for s in samples) / len(samples))


def _nobody(host: str, port: int) -> Peer:
    raise ConnectionRefusedError(f"{host}:{port}")
