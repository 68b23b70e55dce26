"""True RMS over exactly one mains cycle, in integers below 2**30.

A cycle holds no whole number of conversions. With n conversions x[k] of which the last lies in the
cycle with the fraction w/256 only, W = 256 (n-1) + w and sums weighted by w[k] = 256, ..., 256, w:

    mean16 = 16 sum(w x) / W                  sum(w x) <= 20 * 256 * 32767 < 2**28
    d      = (16 x - mean16) >> s, rounded    s such that |d| <= 2047
    E      = sum(w d d) / 256                 256 d d < 2**30, E <= 20 * 2**22 < 2**27
    root   = sqrt(256 * 256 E / W)            < 2**15: 16 times the RMS of d

so `root << s` is the RMS in 1/256 count: small signals keep a sixteenth of a count and more, large
ones eleven bits. A quotient a 2**b / W is taken as (a // W) 2**b + (a % W) 2**b // W, which stays
small. The current is root * gain >> (gain_shift - s) with 15000 < gain <= 30000.

Each conversion is the mean over its time T, which lowers a sine of frequency f by sin(x)/x with
x = pi f T; the gain puts that back for the fundamental (0.6 % at 50 Hz, 0.8 % at 60 Hz).
"""

from array import array

from micropython import const

# 2047 once it is rounded.
_PEAK = const(2046)
_LARGEST_ROOT = const(32767)
_LARGEST_GAIN = const(30000)
_COUNT_UV = const(125)


def square_root(value):
    """Floor of the root of 0 <= value < 2**30."""
    if value <= 0:
        return 0
    root = _LARGEST_ROOT
    while root * root >> 2 > value:
        root >>= 1
    # From above Newton's steps fall until the floor is reached; five are enough from there.
    for _ in range(8):
        better = (root + value // root) >> 1
        if better >= root:
            break
        root = better
    return root


def averaging_ppm(mains_hz, conversion_ns):
    """x / sin(x) = 1 + x^2/6 + 7 x^4/360 for x = pi f T, in parts per million."""
    turns_ppm = mains_hz * conversion_ns // 1000
    square_ppm = turns_ppm * turns_ppm // 1000 * 9870 // 1_000_000
    return 1_000_000 + square_ppm // 6 + 7 * square_ppm * square_ppm // 360_000_000


class TrueRms:
    """The window of one cycle: its samples, and after `measure` what they amount to."""

    def __init__(self, mains_hz, conversion_ns):
        cycle_weight = 1_000_000_000 // mains_hz * 256 // conversion_ns
        self.count = (cycle_weight + 255) // 256
        self.samples = array("h", bytes(2 * self.count))
        self._cycle_weight = cycle_weight
        self._last_weight = cycle_weight - 256 * (self.count - 1)
        self._averaging_ppm = averaging_ppm(mains_hz, conversion_ns)
        self._root = 0
        self._shift = 0
        self.total = 0
        self.mean = 0
        self.peak_percent = 0
        self.low = 0
        self.high = 0

    def gain_of(self, ct_ma_per_v):
        """(gain, gain_shift) that turn a root into mA."""
        over = ct_ma_per_v * _COUNT_UV * self._averaging_ppm
        under = 256 * 1_000_000 * 1_000_000
        # One division of long integers: a tick that finds its converter late has little heap.
        shift = 30
        gain = (over << shift) // under
        while gain > _LARGEST_GAIN:
            gain >>= 1
            shift -= 1
        return gain, shift

    def measure(self):
        samples = self.samples
        weight = self._cycle_weight
        unseen = 256 - self._last_weight  # of the last conversion
        self.total = total = sum(samples)
        self.low = low = min(samples)
        self.high = high = max(samples)
        weighted = 256 * total - unseen * samples[self.count - 1]
        self.mean = mean = weighted // weight
        mean16 = 16 * mean + 16 * (weighted % weight) // weight
        peak = max(16 * high - mean16, mean16 - 16 * low)
        shift = 0
        while peak >> shift > _PEAK:
            shift += 1
        self._shift = shift
        mean16 -= 1 << shift >> 1  # so that what is shifted out below is rounded
        energy = 0
        for sample in samples:
            difference = ((sample << 4) - mean16) >> shift
            energy += difference * difference
        # Of the energy, in one conversion; half at most of a current that swings both ways.
        peak >>= shift
        self.peak_percent = 100 * peak * peak // max(energy, 1)
        energy -= unseen * difference * difference >> 8
        self._root = square_root((energy // weight << 16) + (energy % weight << 16) // weight)

    def current_ma(self, gain, gain_shift):
        shift = gain_shift - self._shift
        return (self._root * gain + (1 << shift - 1)) >> shift
