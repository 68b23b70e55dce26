"""`python -m tools.provision`: see `headroom board provision --help`."""

from tools.entry import run

if __name__ == "__main__":
    run("provision")
