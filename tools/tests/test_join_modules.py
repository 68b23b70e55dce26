"""The modules that always run, joined into one for the firmware's image."""

from __future__ import annotations

import ast

import pytest
from headroom.device import firmware
from headroom.device.join_modules import LINES, join, joined_order
from headroom.device.romfs import places

SOURCES = {
    "node/__init__.py": b"version = '1'\n",
    "node/app.py": b"import sys\nfrom node.part import half, Part\n\n_limit = 3\n"
    b"def whole():\n    return 2 * half() + _limit\n",
    "node/part.py": b"from array import array\n_limit = 4\n"
    b"class Part:\n    def _limit(self):\n        return self._limit\n"
    b"def half():\n    from node.sensing.ct import five\n    return five() + _limit\n",
    "node/sensing/__init__.py": b"",
    "node/sensing/ct.py": b"def five():\n    return 5\n",
    "node/page.py": b"from node import version\nfrom node.part import half\n",
}


def test_the_joined_module_does_what_its_parts_did() -> None:
    text = join(SOURCES)["node/app.py"].replace(b"from node.app import", b"# ")
    scope: dict[str, object] = {}
    exec(text, scope)
    assert scope["whole"]() == 2 * (5 + 4) + 3  # type: ignore[operator]


def test_what_is_apart_imports_from_the_joined_module() -> None:
    joined = join(SOURCES)
    assert sorted(joined) == [
        "node/__init__.py",
        "node/app.py",
        "node/page.py",
        "node/sensing/__init__.py",
    ]
    assert joined["node/page.py"] == b"from node import version\nfrom node.app import half\n"


def test_each_module_begins_at_a_line_of_its_own() -> None:
    assert joined_order(SOURCES) == ["node/sensing/ct.py", "node/part.py", "node/app.py"]
    lines = join(SOURCES)["node/app.py"].split(b"\n")
    assert lines[LINES] == b"def five():"
    assert lines[2 * LINES + 5] == b"def half():"
    assert lines[3 * LINES + 4] == b"def whole():"


def test_a_line_of_a_traceback_is_found_in_the_repository() -> None:
    found = places(firmware.folder(), [])
    names = {place.split()[1].split(":")[0]: int(place.split(":")[0]) for place in found}
    number = names["firmware/node/relays.py"]
    source = (firmware.folder() / "node" / "relays.py").read_text().split("\n")
    line = next(i for i, text in enumerate(source, 1) if text.startswith("class Relays"))
    (place,) = places(firmware.folder(), [number + line])
    assert place == f"{number + line}: firmware/node/relays.py:{line}"
    with pytest.raises(ValueError, match="lines run from 1000"):
        list(places(firmware.folder(), [5]))


def test_two_modules_with_the_same_public_name_are_refused() -> None:
    sources = {**SOURCES, "node/part.py": b"def whole():\n    pass\n"}
    sources["node/app.py"] = b"from node.part import whole\ndef whole():\n    pass\n"
    with pytest.raises(ValueError, match=r"whole is in node/part\.py too"):
        join(sources)


def test_the_firmware_joins() -> None:
    files = {
        str(path.relative_to(firmware.folder())): path.read_bytes()
        for path in (firmware.folder() / "node").rglob("*.py")
    }
    joined = join(files)
    assert "node/protection.py" not in joined
    assert "node/status.py" in joined
    for source in joined.values():
        ast.parse(source)
