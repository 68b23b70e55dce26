"""What CPython lacks of MicroPython's module of this name."""


def const(value):
    return value
