"""`python -m tools.romfs`: builds the firmware's image; see `headroom board romfs --help`."""

from tools.entry import run

if __name__ == "__main__":
    run("romfs")
