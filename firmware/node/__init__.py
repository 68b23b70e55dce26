"""The node: what a board runs to keep its circuits under their limits."""

import sys

version = "0.1.0"


def drop(module):
    """Takes what was imported for one use out of memory again, as soon as nobody holds it."""
    name = module.__name__
    del sys.modules[name]
    package, name = name.rsplit(".", 1)
    delattr(sys.modules[package], name)
