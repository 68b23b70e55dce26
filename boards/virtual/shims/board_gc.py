"""`gc` as the ESP8266 answers it: the heap is the chip's, without what the virtual board's own
shims occupy.

The WebAssembly build collects only when control returns to the host, and counts memory it could
grow into as free.
"""

import gc

collect = gc.collect
enable = gc.enable
disable = gc.disable
isenabled = gc.isenabled
threshold = gc.threshold

# What the port would grow into before it gives up, counted as free by it (gc_get_max_new_split);
# here it cannot grow.
_GROWTH = 128 << 20

# The pool in a GC heap of 38912 bytes, the tables of the collector taken off: 64 of every 65.5
# bytes.
POOL_BYTES = 38016

_PIECE_BYTES = 48
_HEADER_BYTES = 16

baseline = 0
_ballast = None


def mem_alloc():
    return gc.mem_alloc() - baseline


def mem_free():
    return gc.mem_free() - _GROWTH


def take_baseline():
    """All that is used now is the virtual board's own, not the firmware's."""
    global baseline
    baseline = gc.mem_alloc()


def settle():
    """Fill the surplus, so that what the firmware has and can still get is together the chip's
    pool.

    Small pieces, because they fill the gaps between live objects from the bottom up: what stays
    free is in one piece at the top, as on a chip that collected while its program started.
    """
    global baseline, _ballast
    before = gc.mem_alloc()
    surplus = before + mem_free() - baseline - POOL_BYTES
    _ballast = [None] * (surplus // (_PIECE_BYTES + _HEADER_BYTES))
    for i in range(len(_ballast)):
        if gc.mem_alloc() - before >= surplus:
            break
        _ballast[i] = bytearray(_PIECE_BYTES)
    baseline += gc.mem_alloc() - before
