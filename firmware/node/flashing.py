"""The pieces of `journal.Blocks`' work with files. Loaded for each of them, and dropped."""

import struct

from micropython import const

from node.storage import digest

# As in `journal`.
_FOLDER = "/journal"
_HEAD = "<II"
_HEAD_BYTES = const(8)
_RECORD_BYTES = const(24)
# 56 files of 14 minutes are 13 hours, one littlefs sector of 251 each.
_FILES = const(56)


def find(blocks):
    """What earlier starts have left. Raises OSError."""
    numbers = [int(name) for name in blocks.files.names(_FOLDER) if name.isdigit()]
    if numbers:
        blocks.start, blocks.end = min(numbers), max(numbers) + 1
        newest = blocks.open(blocks.end - 1)
        # Where it is damaged it is counted when its turn comes.
        blocks.minutes.lost = struct.unpack_from(_HEAD, newest)[1] if newest else 0


def step(blocks):
    """The next of what is to be done. Raises OSError."""
    if blocks.file:
        _write(blocks)
    elif blocks.ack_minutes:
        _note_delivered(blocks)
    elif blocks.stored < 0:
        _remove_first(blocks)
    elif blocks.end - blocks.start < _FILES:
        blocks.count = 0
        blocks.file = blocks.files.open(_path(blocks.end), "wb")
    else:
        blocks.minutes.lost += len(blocks.read(_FILES))
        blocks.stored = -1


def _write(blocks):
    """First its content; only closing it puts that into flash."""
    file = blocks.file
    if not blocks.count:
        head = struct.pack(_HEAD, blocks.storage.boot, blocks.minutes.lost)
        body = head + blocks.minutes.read()
        file.write(body)
        file.write(digest(body))
        blocks.count = blocks.minutes.stored
        return
    blocks.file = None
    file.close()
    blocks.end += 1
    blocks.minutes.pop(blocks.count)


def _note_delivered(blocks):
    named = blocks.ack_minutes
    blocks.ack_minutes = ()
    for boot, minute in named:
        if boot == blocks.storage.boot:
            blocks.minutes.acknowledge(minute)
    if blocks.start == blocks.end or blocks.stored < 0:
        return
    block = blocks.open(blocks.start)
    boot = struct.unpack_from(_HEAD, block)[0] if block else 0
    left = 0
    for k in range(len(block) // _RECORD_BYTES):
        minute = struct.unpack_from("<I", block, _HEAD_BYTES + k * _RECORD_BYTES)[0]
        for pair in named:
            if pair[0] == boot and pair[1] == minute:
                blocks.stored |= 1 << k
        if not blocks.stored & 1 << k:
            left += 1
    if not left:
        blocks.stored = -1


def _remove_first(blocks):
    """Forgotten also where it cannot be removed: then it comes once more at the next start."""
    number = blocks.start
    blocks.start += 1
    blocks.stored = 0
    blocks.files.remove(_path(number))


def _path(number):
    return "%s/%d" % (_FOLDER, number)
