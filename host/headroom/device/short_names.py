"""Shorten the names that nobody outside a module can see.

The interpreter keeps every distinct name of the firmware in RAM: seven bytes each, in pools that
double. So the image gives the private names of each module the same few (`_a`, `_b`, ...), and
parameters theirs by position (`_1`, `_2`, ...). Lines stay where they are: a traceback from a
board names file and line as the repository has them, only the private functions in it have short
names. What is public, and so what a person types at the REPL, keeps its name.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count, product
from string import ascii_lowercase


class PrivateNameError(ValueError):
    """A private name that cannot be shortened safely; names it and its place."""


def shorten(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """The sources of a package, by file name, with short private names.

    Raises PrivateNameError where one module uses another's private name.
    """
    modules = {name: _Module(name, source) for name, source in sources.items()}
    keywords = {word for module in modules.values() for word in module.keywords}
    return {name: module.shortened(keywords) for name, module in modules.items()}


@dataclass(frozen=True, order=True)
class _Edit:
    line: int
    column: int
    old: str
    new: str = field(compare=False)


class _Module:
    """One source file."""

    def __init__(self, name: str, source: bytes) -> None:
        self._name = name
        self._lines = source.splitlines(keepends=True)
        self._tree = ast.parse(source, name)
        nodes = list(ast.walk(self._tree))
        self._functions = [n for n in nodes if isinstance(n, ast.FunctionDef)]
        calls = [n for n in nodes if isinstance(n, ast.Call)]
        self.keywords = {k.arg for call in calls for k in call.keywords if k.arg}
        self._constants = set(_constants(self._tree))

    def shortened(self, keywords: set[str]) -> bytes:
        """The source with short names; parameters that any call names keep theirs."""
        edits = {*self._private_edits(), *self._parameter_edits(keywords)}
        lines = list(self._lines)
        for edit in sorted(edits, reverse=True):
            line, at = lines[edit.line - 1], edit.column
            old = edit.old.encode()
            if line[at : at + len(old)] != old:
                raise PrivateNameError(
                    f"{self._name}:{edit.line}: {edit.old} is not where it should be"
                )
            lines[edit.line - 1] = line[:at] + edit.new.encode() + line[at + len(old) :]
        return b"".join(lines)

    def _private_edits(self) -> Iterator[_Edit]:
        places = [place for place in self._places() if self._is_private(place.old)]
        defined = self._defined()
        for place in places:
            if place.old not in defined:
                raise PrivateNameError(
                    f"{self._name}:{place.line}: {place.old} is private to another module"
                )
        # The most frequent first, so that all modules use the same few.
        frequent = Counter(place.old for place in places).most_common()
        short = dict(zip((name for name, _ in frequent), _short_names(), strict=False))
        for place in places:
            yield _Edit(place.line, place.column, place.old, short[place.old])

    def _is_private(self, name: str) -> bool:
        return name.startswith("_") and not name.startswith("__") and name not in self._constants

    def _defined(self) -> set[str]:
        """Names that this module gives a meaning: by def, class, or assignment."""
        names = set()
        for node in ast.walk(self._tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                names.add(node.attr)
            elif isinstance(node, ast.arg):
                names.add(node.arg)
        return names

    def _places(self) -> Iterator[_Edit]:
        """Where names stand that are not parameters."""
        parameters = {id(n) for f in self._functions for n, _ in self._uses_of_parameters(f)}
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Attribute):
                line, end = node.end_lineno or 0, node.end_col_offset or 0
                yield _Edit(line, end - len(node.attr), node.attr, "")
            elif isinstance(node, ast.Name) and id(node) not in parameters:
                yield _Edit(node.lineno, node.col_offset, node.id, "")
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                keyword = "def " if isinstance(node, ast.FunctionDef) else "class "
                yield _Edit(node.lineno, node.col_offset + len(keyword), node.name, "")

    def _parameter_edits(self, keywords: set[str]) -> Iterator[_Edit]:
        for function in self._functions:
            short = {
                argument.arg: f"_{position}"
                for position, argument in enumerate(_parameters(function))
                if argument.arg not in keywords and argument.arg != "self"
            }
            for node, name in self._uses_of_parameters(function):
                if name in short:
                    yield _Edit(node.lineno, node.col_offset, name, short[name])

    def _uses_of_parameters(
        self, function: ast.FunctionDef
    ) -> Iterator[tuple[ast.arg | ast.Name, str]]:
        own = _parameters(function)
        for argument in own:
            yield argument, argument.arg
        names = {argument.arg for argument in own}
        for statement in function.body:
            for node in ast.walk(statement):
                self._check_scope(node, names)
                if isinstance(node, ast.Name) and node.id in names:
                    yield node, node.id

    def _check_scope(self, node: ast.AST, names: set[str]) -> None:
        """A function's names are one scope here: nothing in it may give one another meaning."""
        match node:
            case ast.FunctionDef() | ast.ClassDef() | ast.Global() | ast.Nonlocal():
                what = type(node).__name__
            case ast.Lambda() if names & {a.arg for a in node.args.args}:
                what = "Lambda with a parameter of the same name"
            case _:
                return
        line = getattr(node, "lineno", 0)
        raise PrivateNameError(f"{self._name}:{line}: {what} within a function: not supported")


def _parameters(function: ast.FunctionDef) -> list[ast.arg]:
    return [*function.args.posonlyargs, *function.args.args]


def _constants(tree: ast.Module) -> Iterator[str]:
    """Names made by `const`, which the compiler replaces by their values."""
    for node in tree.body:
        match node:
            case ast.Assign([ast.Name(name)], ast.Call(ast.Name("const"))):
                yield name


def _short_names() -> Iterator[str]:
    for length in count(1):
        for letters in product(ascii_lowercase, repeat=length):
            yield "_" + "".join(letters)
