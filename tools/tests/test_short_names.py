"""Private names of the firmware made short for its image."""

from __future__ import annotations

import ast

import pytest
from headroom.device import firmware
from headroom.device.short_names import PrivateNameError, shorten

SOURCE = b'''
from micropython import const

_FULL = const(3)
_table = (1, 2)


class Tank:
    """A tank."""

    def __init__(self, level, least=0):
        self._level = level
        self.least = least

    def fill(self, litres):  # \xc3\xa4 before names on a line moves their bytes
        "\xc3\xa4", self._check(litres)
        return sorted(_table, key=lambda i: litres * i)

    def _check(self, litres):
        return self._level + litres < _FULL


def full():
    return Tank(3, least=1)
'''


def run(source: bytes, name: str) -> object:
    """What a source defines under a name."""
    scope: dict[str, object] = {}
    exec(source.replace(b"from micropython import const", b"const = int"), scope)
    return scope[name]


def test_what_is_private_is_short_and_works_the_same() -> None:
    short = shorten({"tank.py": SOURCE})["tank.py"]
    for source in (SOURCE, short):
        tank = run(source, "full")()  # type: ignore[operator]
        assert tank.fill(-2) == [2, 1]
        assert tank.least == 1
    for name in (b"_level", b"_check", b"_table", b"litres"):
        assert name not in short
    for name in (b"_FULL", b"least", b"fill", b"Tank"):
        assert name in short


def test_lines_stay_where_they_are() -> None:
    for path in sorted((firmware.folder() / "node").rglob("*.py")):
        source = path.read_bytes()
        short = shorten({path.name: source})[path.name]
        assert short.count(b"\n") == source.count(b"\n")
        for old, new in zip(ast.walk(ast.parse(source)), ast.walk(ast.parse(short)), strict=True):
            assert type(old) is type(new)
            assert getattr(old, "lineno", 0) == getattr(new, "lineno", 0)


def test_modules_share_their_short_names() -> None:
    first = shorten({"a.py": b"_one = 1\n", "b.py": b"_two = 2\n"})
    assert first == {"a.py": b"_a = 1\n", "b.py": b"_a = 2\n"}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (b"import other\nother._secret()\n", "_secret is private to another module"),
        (b"def f(a):\n    def g(a):\n        return a\n    return g\n", "FunctionDef within"),
        (b"def f(a):\n    return lambda a: a\n", "Lambda with a parameter of the same name"),
    ],
)
def test_what_cannot_be_done_safely_is_refused(source: bytes, words: str) -> None:
    with pytest.raises(PrivateNameError, match=words):
        shorten({"x.py": source})
