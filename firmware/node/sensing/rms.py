"""True RMS over exactly one mains cycle, in integers below 2**30.

A cycle holds no whole number of conversions. With n conversions x[k] of which the last lies in the
cycle with the fraction w/256 only, W = 256 (n-1) + w and sums weighted by w[k] = 256, ..., 256, w:

    d      = x - b, by a bias b that the input had before; |d| <= 32767
    E      = sum(w d d) / 256 >> 2 s          s such that E < 2**25
    mean16 = 16 sum(w d) / W >> s             sum(w d) <= 20 * 256 * 32767 < 2**28
    root   = sqrt(256 * 256 E / W - mean16 mean16)     256 * 256 E / W < 2**30

so `root << s` is the RMS in 1/16 count. What has to be done for each conversion is done while the
converter makes the next one: the sums of d and d d, the squares' upper and lower bits apart. A
quotient a 2**b / W is taken as (a // W) 2**b + (a % W) 2**b // W, which stays small. The current
is root * gain >> (gain_shift - s) with 15000 < gain <= 30000.

Each conversion is the mean over its time T, which lowers a sine of frequency f by sin(x)/x with
x = pi f T; the gain puts that back for the fundamental (0.6 % at 50 Hz, 0.8 % at 60 Hz).
"""

from micropython import const

# Its square is the largest that is small; a bus that fails may say less.
_LOWEST = const(-32767)
_LOWER_BITS = const(4095)
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
    """One window of a cycle: `begin`, `add` for each conversion, and `finish` for the current.

    `bias` is about the mean that the samples will have, 0 at least.
    """

    def __init__(self, mains_hz, conversion_ns):
        cycle_weight = 1_000_000_000 // mains_hz * 256 // conversion_ns
        self.count = (cycle_weight + 255) // 256
        self.bias = 0
        self._cycle_weight = cycle_weight
        # Of the last conversion, in 1/256.
        self._unseen = 256 * self.count - cycle_weight
        self._averaging_ppm = averaging_ppm(mains_hz, conversion_ns)
        self.total = 0
        self.mean = 0
        self.peak_percent = 0
        self.begin()

    def gain_of(self, ct_ma_per_v):
        """(gain, gain_shift) that turn a root into mA."""
        over = ct_ma_per_v * _COUNT_UV * self._averaging_ppm
        under = 16 * 1_000_000 * 1_000_000
        # One division of long integers: a tick that finds its converter late has little heap.
        shift = 30
        gain = (over << shift) // under
        while gain > _LARGEST_GAIN:
            gain >>= 1
            shift -= 1
        return gain, shift

    def begin(self):
        self._sum = 0
        self._squares = 0
        self._lower_bits = 0
        self._last = 0
        self.low = 32767
        self.high = -32768

    def add(self, sample):
        if sample < self.low:
            self.low = sample
        if sample > self.high:
            self.high = sample
        self._last = last = max(sample - self.bias, _LOWEST)
        self._sum += last
        square = last * last
        self._squares += square >> 12
        self._lower_bits += square & _LOWER_BITS

    def finish(self, gain, gain_shift):
        """The current in mA; sets `mean`, `total` and `peak_percent`."""
        weight = self._cycle_weight
        unseen = self._unseen
        last = self._last
        weighted = 256 * self._sum - unseen * last
        mean = weighted // weight
        self.mean = self.bias + mean
        self.total = self._sum + self.count * self.bias
        shift = 0
        squares = self._squares
        while squares >> shift >= 8191:
            shift += 2
        energy = (squares << 12 - shift) + (self._lower_bits >> shift)
        shift >>= 1
        mean16 = 16 * mean + 16 * (weighted % weight) // weight >> shift
        square16 = mean16 * mean16
        peak = max(self.high - self.mean, self.mean - self.low) >> shift
        # Of the energy, in one conversion; half at most of a current that swings both ways.
        self.peak_percent = peak * peak // max((energy - self.count * (square16 >> 8)) // 100, 1)
        last >>= shift
        energy -= unseen * (last * last >> 5) >> 3
        square256 = (energy // weight << 16) + (energy % weight << 16) // weight
        shift = gain_shift - shift
        return (square_root(square256 - square16) * gain + (1 << shift - 1)) >> shift
