"""`gc` as the ESP8266 answers it: the heap is the chip's, without what the virtual board's own
shims occupy.

The WebAssembly build collects only when control returns to the host, and counts memory it could
grow into as free.
"""

import gc

import _board

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

# Names are interned into pools, each with room for twice as many as the one before, seven bytes a
# name; the first dynamic one has room for twenty.
_FIRST_POOL_NAMES = 20
_NEXT_POOL_NAMES = 320
_POOL_HEADER_BYTES = 32
_NAME_BYTES = 7

baseline = 0
_ballast = None
_heap_mark = _board.heap_mark
_is_watched = False


def mem_alloc():
    return gc.mem_alloc() - baseline


def mem_free():
    return gc.mem_free() - _GROWTH


def watch():
    """From here on every timer callback tells what it allocated."""
    global _is_watched
    _is_watched = True


def mark(moment):
    """How much is in use at a moment of a callback: 0 = its start, when all garbage has been
    collected; 1 = it feeds the watchdog; 2 = its end.
    """
    if _is_watched:
        _heap_mark(moment, mem_alloc())


def fill_pools(names):
    """Intern names until the pools of the shims' own `names` are full.

    So the firmware's begin with a new pool and, after it, one that is larger than it will fill.
    Else the shims' names would have the firmware start a pool of 4.5 KiB while it runs, where the
    chip, without them, still has room: `settle` can put that right only for what it has seen.
    """
    room = _FIRST_POOL_NAMES
    size = 2 * room
    while room < names or size < _NEXT_POOL_NAMES:
        room += size
        size *= 2
    for i in range(room - names):
        hasattr(gc, "filler%d" % i)
    gc.collect()  # takes effect when this returns


def take_baseline():
    """All that is used now is the virtual board's own, not the firmware's."""
    global baseline
    baseline = gc.mem_alloc()


def settle(shim_names, names):
    """Fill the surplus, so that what the firmware has and can still get is together the chip's
    pool. `shim_names` of all the `names` interned are the shims'.

    Small pieces, because they fill the gaps between live objects from the bottom up: what stays
    free is in one piece at the top, as on a chip that collected while its program started.

    On the chip the shims' names are in its ROM. Here they make the firmware's pools begin with a
    larger one, and that difference is not the firmware's.
    """
    global baseline, _ballast
    baseline += _pool_bytes(names) - _pool_bytes(shim_names) - _pool_bytes(names - shim_names)
    before = gc.mem_alloc()
    surplus = before + mem_free() - baseline - POOL_BYTES
    _ballast = [None] * (surplus // (_PIECE_BYTES + _HEADER_BYTES))
    for i in range(len(_ballast)):
        if gc.mem_alloc() - before >= surplus:
            break
        _ballast[i] = bytearray(_PIECE_BYTES)
    baseline += gc.mem_alloc() - before


def _pool_bytes(names):
    """What the pools for so many names take."""
    size = _FIRST_POOL_NAMES
    total = 0
    while names > 0:
        total += _POOL_HEADER_BYTES + size * _NAME_BYTES
        names -= size
        size *= 2
    return total
