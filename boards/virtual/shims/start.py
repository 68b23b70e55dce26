"""What the ESP8266's frozen _boot.py does: mount flash and ROMFS, set the path; then run a file as
the chip would.
"""

import gc
import os
import random
import select  # noqa: F401
import socket  # noqa: F401
import sys
import time  # noqa: F401

import _board
import board_gc
import board_vfs
import flashfs
import machine  # noqa: F401  all shims are loaded before the baseline is taken
import network  # noqa: F401
import uctypes
import vfs

import __main__

_NOT_FOUND = 2


def board(romfs_address, romfs_length):
    sys.modules["gc"] = board_gc
    sys.modules["vfs"] = board_vfs
    board_vfs.partition = uctypes.bytearray_at(romfs_address, romfs_length)
    vfs.umount("/")
    vfs.mount(flashfs.FlashFs(), "/")
    try:
        vfs.mount(vfs.VfsRom(board_vfs.partition), "/rom")
    except OSError:
        print("no ROMFS on the partition")
    os.chdir("/")
    random.seed(int(_board.text("random_seed", "", "")))
    sys.path[:] = ["/shims", "", "/rom", "/rom/lib", "/lib"]
    gc.collect()  # takes effect when this returns


def run(path):
    try:
        with open(path, "rb") as f:
            source = f.read()
    except OSError as error:
        if error.errno == _NOT_FOUND:
            return
        raise
    try:
        exec(source, __main__.__dict__)
    except Exception as error:
        sys.print_exception(error)
    gc.collect()
