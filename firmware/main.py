"""Starts the node and returns, so that the REPL stays alive beside it."""

import os


def _is_maintenance():
    """Whether a flag file asks for a board without node and watchdog."""
    try:
        os.stat("/maintenance")
        return True
    except OSError:
        return False


if _is_maintenance():
    print("headroom: maintenance, neither node nor watchdog run; remove /maintenance and reset")
else:
    from node import hardware

    hardware.run()
