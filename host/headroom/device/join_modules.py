"""Join the modules that always run into one.

A module costs the board 230 bytes of heap before it holds anything: its object, its table of
names, its list of them. So the image has all of those that `node/app.py` needs in one, under that
name, and only what is loaded on demand remains apart.

Line L of the K-th module of `joined_order` is line 1000 K + L there: a traceback from a board that
names line 4123 of node/app.py means line 123 of the fourth. `headroom board romfs` tells which.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

# Apart in source, one on the board; the second because nearly every board measures with it.
ROOTS = ("node/app.py", "node/sensing/ct.py")
LINES = 1000
# The compiler knows `const` without it, and by then nothing calls it any more.
_CONST = "from micropython import const"


def joined_order(sources: Mapping[str, bytes]) -> list[str]:
    """The files that are joined, each after what it imports from at its top level."""
    order: list[str] = []
    for root in reversed(ROOTS):
        _visit(root, sources, order)
    return order


def join(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """The sources of the package, by file name, with those that always run as one.

    Raises ValueError for a module that is too long, or two that define the same public name.
    """
    order = joined_order(sources)
    sources = {name: _redirected(source, order, sources) for name, source in sources.items()}
    modules = [
        _Joined(name, sources[name], number, sources) for number, name in enumerate(order, 1)
    ]
    public: dict[str, str] = {}
    for module in modules:
        for name in module.public:
            if public.setdefault(name, module.name) != module.name:
                raise ValueError(f"{module.name}: {name} is in {public[name]} too")
    imports = dict.fromkeys(statement for module in modules for statement in module.imports)
    text = "\n".join(imports).encode()
    for module in modules:
        lines = module.lines()
        if len(lines) >= LINES:
            raise ValueError(f"{module.name}: {len(lines)} lines, {LINES - 1} can be joined")
        text += b"\n" * (module.number * LINES - text.count(b"\n")) + b"".join(lines)
    joined = {name: source for name, source in sources.items() if name not in order}
    # What is left of a package that has others in it.
    joined |= {name: b"" for name in order if name.endswith("__init__.py")}
    joined[ROOTS[0]] = text
    return joined


def _visit(name: str, sources: Mapping[str, bytes], order: list[str]) -> None:
    if name in order:
        return
    for statement in ast.parse(sources[name]).body:
        if isinstance(statement, ast.ImportFrom) and _is_from_module(statement, sources):
            _visit(_file(str(statement.module), sources), sources, order)
    order.append(name)


def _file(module: str, sources: Mapping[str, bytes]) -> str:
    path = module.replace(".", "/")
    return f"{path}.py" if f"{path}.py" in sources else f"{path}/__init__.py"


def _is_from_module(statement: ast.ImportFrom, sources: Mapping[str, bytes]) -> bool:
    """Whether it takes names out of a module of the package, and no module out of a package."""
    module = str(statement.module)
    if not module.startswith("node."):
        return False
    path = module.replace(".", "/")
    return not any(f"{path}/{alias.name}.py" in sources for alias in statement.names)


class _Joined:
    """One module on its way into the joined one, the `number`-th there."""

    def __init__(
        self, name: str, source: bytes, number: int, sources: Mapping[str, bytes]
    ) -> None:
        self.name = name
        self.number = number
        self._lines = source.splitlines(keepends=True)
        self._tree = ast.parse(source, name)
        defined = set(_defined(self._tree))
        self._private = {n for n in defined if n.startswith("_")}
        self.public = defined - self._private
        self._statements = [
            s for s in self._tree.body if isinstance(s, ast.Import | ast.ImportFrom)
        ]
        self.imports = [
            text
            for s in self._statements
            if not (isinstance(s, ast.ImportFrom) and _is_from_module(s, sources))
            and (text := ast.unparse(s)) != _CONST
        ]

    def lines(self) -> list[bytes]:
        """Its lines without its imports, with private names that are its own."""
        lines = list(self._lines)
        suffix = b"_%d" % self.number
        for line, end in sorted(self._places(), reverse=True):
            old = lines[line - 1]
            lines[line - 1] = old[:end] + suffix + old[end:]
        for statement in self._statements:
            for line in range(statement.lineno, (statement.end_lineno or 0) + 1):
                lines[line - 1] = b"\n"
        return lines

    def _places(self) -> Iterator[tuple[int, int]]:
        """(line, column after it) of each private name of the module."""
        for statement in self._tree.body:
            if isinstance(statement, ast.FunctionDef | ast.ClassDef):
                keyword = "def " if isinstance(statement, ast.FunctionDef) else "class "
                if statement.name in self._private:
                    end = len(keyword) + len(statement.name)
                    yield statement.lineno, statement.col_offset + end
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Name) and node.id in self._private:
                yield node.lineno, node.end_col_offset or 0


def _defined(tree: ast.Module) -> Iterator[str]:
    """What a module defines at its top level."""
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            yield statement.name
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                yield from (n.id for n in ast.walk(target) if isinstance(n, ast.Name))


def _redirected(source: bytes, order: list[str], sources: Mapping[str, bytes]) -> bytes:
    """A module with its imports from joined ones made from the joined one."""
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ImportFrom) or not _is_from_module(node, sources):
            continue
        if _file(str(node.module), sources) in order:
            line = lines[node.lineno - 1]
            old = f"from {node.module} import".encode()
            lines[node.lineno - 1] = line.replace(old, b"from node.app import")
    return b"".join(lines)
