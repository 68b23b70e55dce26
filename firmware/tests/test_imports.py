"""Arrows point down only, and nothing asks for what the ESP8266 build lacks. CPython only."""

import ast
import unittest
from pathlib import Path

import fakes

# fmt: off
# What the ESP8266_GENERIC build of MicroPython 1.29 has and firmware may use.
ON_THE_BOARD = {
    "array", "binascii", "errno", "gc", "hashlib", "io", "json", "machine", "micropython",
    "network",
    "node", "os", "random", "select", "socket", "struct", "sys", "time",
}
EDGE_ONLY = {"machine", "network", "socket", "select", "time", "os", "random"}
EDGES = {"node/hardware.py", "node/calibrate.py", "boot.py", "main.py"}
# What a module may import of the node: what stands before it.
ORDER = [
    "ticks", "signing", "storage", "config", "rms", "ads1115", "ct", "ina226",
    "flashing", "journal", "relays", "readings", "protection", "shedding", "planning", "safety",
    "report", "answer", "beacon", "client", "wifi", "pages", "charge", "visit", "server", "build",
    "starts", "upkeep", "status", "calibrate", "app", "hardware",
]
# fmt: on
LACKING_METHODS = {"partition", "rpartition", "center", "splitlines", "removeprefix"}


class Imports(unittest.TestCase):
    def trees(self):
        root = Path(fakes.__file__).parents[2]
        for path in [root / "boot.py", root / "main.py"] + sorted(root.glob("node/**/*.py")):
            yield str(path.relative_to(root)), ast.walk(ast.parse(path.read_text()))

    def imported(self, nodes):
        for node in nodes:
            if isinstance(node, ast.Import):
                yield from (name.name for name in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from (f"{node.module}.{name.name}" for name in node.names)

    def test_only_what_the_board_has(self):
        for path, nodes in self.trees():
            for name in self.imported(nodes):
                self.assertIn(name.split(".")[0], ON_THE_BOARD, path)

    def test_only_the_edge_touches_the_chip(self):
        for path, nodes in self.trees():
            if path not in EDGES:
                self.assertFalse({n.split(".")[0] for n in self.imported(nodes)} & EDGE_ONLY, path)

    def test_arrows_point_down(self):
        for path, nodes in self.trees():
            own = path.split("/")[-1][:-3]
            if not path.startswith("node/") or own == "__init__":
                continue
            self.assertIn(own, ORDER)
            for name in self.imported(nodes):
                below = [part for part in name.split(".") if part in ORDER]
                if name.startswith("node.") and below:
                    self.assertLess(ORDER.index(below[0]), ORDER.index(own), (path, name))

    def test_no_method_that_the_board_lacks(self):
        for path, nodes in self.trees():
            used = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
            self.assertFalse(used & LACKING_METHODS, path)


if __name__ == "__main__":
    unittest.main()
