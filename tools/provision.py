"""`python -m tools.provision`: see `headroom board provision --help`."""

from headroom.device.configuration import Keys, Link, board_config

from tools.entry import run

__all__ = ["Keys", "Link", "board_config"]

if __name__ == "__main__":
    run("provision")
