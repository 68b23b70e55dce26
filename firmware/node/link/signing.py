"""HMAC-SHA256 (RFC 2104), which MicroPython on the board has not."""

import binascii
import hashlib

_BLOCK = 64


class Signer:
    """Signs under one key of at most 64 bytes."""

    def __init__(self, key):
        key = key + bytes(_BLOCK - len(key))
        self._inner = bytes([b ^ 0x36 for b in key])
        self._outer = bytes([b ^ 0x5C for b in key])

    def sign(self, *parts):
        """64 hex digits over the parts one after the other."""
        inner = hashlib.sha256(self._inner)
        for part in parts:
            inner.update(part)
        outer = hashlib.sha256(self._outer)
        outer.update(inner.digest())
        return binascii.hexlify(outer.digest())

    def is_signed(self, signature, *parts):
        return _are_equal(self.sign(*parts), signature)


def _are_equal(left, right):
    """In a time that does not tell where the two differ."""
    if len(left) != len(right):
        return False
    difference = 0
    for i in range(len(left)):
        difference |= left[i] ^ right[i]
    return difference == 0
