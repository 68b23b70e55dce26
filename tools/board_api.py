"""Does the firmware ask for anything that the ESP8266 build of MicroPython lacks?

Two checks. mypy, against the board's own stubs in a folder of their own, finds modules, names and
attributes that are not there. What the stubs promise and the build leaves out is a list here, from
`ports/esp8266/mpconfigport.h` of MicroPython 1.29, which takes these out of its feature level.
"""

from __future__ import annotations

import ast
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

from mypy import api

ROOT = Path(__file__).parent.parent
FIRMWARE = ROOT / "firmware"
STUBS = ROOT / "build" / "esp8266_stubs"

# MICROPY_PY_BUILTINS_STR_CENTER, _PARTITION, _SPLITLINES, _SLICE_INDICES and what no MicroPython
# has of CPython's.
LACKING_METHODS = {
    "center",
    "indices",
    "partition",
    "removeprefix",
    "removesuffix",
    "rpartition",
    "splitlines",
    "bit_count",
    "casefold",
}
# MICROPY_PY_BUILTINS_COMPILE, _EXECFILE, _NOTIMPLEMENTED, and CPython's own.
LACKING_NAMES = {"NotImplemented", "ascii", "breakpoint", "compile", "execfile", "vars"}
# MICROPY_PY_RANDOM_EXTRA_FUNCS, _BINASCII_CRC32, _MATH_SPECIAL_FUNCTIONS, _FACTORIAL, _ISCLOSE.
LACKING_ATTRIBUTES = {
    "binascii": {"crc32"},
    "math": {"erf", "erfc", "factorial", "gamma", "inf", "isclose", "lgamma", "nan", "tau"},
    "random": {"choice", "randint", "random", "randrange", "uniform"},
    "sys": {"ps1", "ps2", "settrace"},
}
FOUND = re.compile(r"^(.+?):(\d+): error: (.*)  \[(attr-defined|import-not-found|name-defined)\]$")
ATTRIBUTE = re.compile(r'^"?([\w.]+)"? has no attribute "(\w+)"')


def lacking(files: Sequence[Path]) -> list[str]:
    """What some files ask for and the board lacks, as "path:line: what"."""
    trees = {path: ast.parse(path.read_text()) for path in files}
    found = [f"{path}:{line}: {what}" for path in files for line, what in _listed(trees[path])]
    return sorted(set(found) | set(_typed(trees)))


def _listed(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            if node.attr in LACKING_METHODS | LACKING_ATTRIBUTES.get(owner, set()):
                yield node.lineno, f"the board has no {owner or '...'}.{node.attr}"
        elif isinstance(node, ast.Name) and node.id in LACKING_NAMES:
            yield node.lineno, f"the board has no {node.id}"
        elif isinstance(node, ast.ImportFrom):
            missing = LACKING_ATTRIBUTES.get(node.module or "", set())
            for name in node.names:
                if name.name in missing:
                    yield node.lineno, f"the board has no {node.module}.{name.name}"
        elif isinstance(node, ast.Call) and len(node.args) == 3 and _is_named(node.func, "pow"):
            yield node.lineno, "the board has no pow() with three arguments"


def _is_named(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _typed(trees: dict[Path, ast.Module]) -> Iterator[str]:
    """What mypy misses on the board. Attributes of the firmware's own classes are not its matter:
    they are set where they are made, and tests run them.
    """
    unpack_stubs()
    own = {path.stem for path in trees}
    for tree in trees.values():
        own |= {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    checked = {str(path) for path in trees}
    output, problems, _ = api.run([*OPTIONS, *checked])
    if problems:
        raise RuntimeError(f"mypy: {problems}")
    for line in output.splitlines():
        match = FOUND.match(line)
        if match is None or match[1] not in checked:
            continue
        attribute = ATTRIBUTE.match(match[3])
        if attribute and (attribute[1] in own or attribute[2] in own):
            continue
        yield f"{match[1]}:{match[2]}: {match[3]}"


OPTIONS = (
    f"--config-file={STUBS / 'mypy.ini'}",
    f"--custom-typeshed-dir={STUBS}",
    f"--cache-dir={ROOT / 'build' / 'esp8266_mypy'}",
    "--no-site-packages",
    "--python-version=3.11",
    "--platform=linux",
    "--check-untyped-defs",
    "--no-strict-optional",
    "--namespace-packages",
    "--explicit-package-bases",
    "--show-absolute-path",
)


def unpack_stubs() -> None:
    """The installed stubs in a folder of their own: as typeshed mypy takes no site-packages."""
    packages = ("micropython-esp8266-stubs", "micropython-stdlib-stubs")
    mark = STUBS / "versions"
    versions = " ".join(metadata.version(name) for name in packages)
    if mark.exists() and mark.read_text() == versions:
        return
    shutil.rmtree(STUBS, ignore_errors=True)
    for name in packages:
        for file in metadata.files(name) or ():
            if file.suffix == ".pyi" or file.name == "VERSIONS":
                target = STUBS / str(file)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), target)
    # The only way, beside the environment, to say where modules are.
    (STUBS / "mypy.ini").write_text(f"[mypy]\nmypy_path = {STUBS}:{FIRMWARE}\n")
    mark.write_text(versions)


def main() -> int:
    """Check the firmware; prints what is wrong."""
    files = [FIRMWARE / "boot.py", FIRMWARE / "main.py", *sorted(FIRMWARE.glob("node/**/*.py"))]
    found = lacking(files)
    print("\n".join(found) or f"{len(files)} files ask for nothing that an ESP8266 lacks")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
