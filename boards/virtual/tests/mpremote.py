"""The mpremote command, unmodified, against a virtual board that runs."""

from __future__ import annotations

import subprocess
import sys

from boards.virtual.realtime import RealTime


def mpremote(clock: RealTime, *arguments: str, resume: bool = True) -> str:
    """Run the mpremote command; ``resume``: attached without a soft reboot."""
    command = [sys.executable, "-m", "mpremote", "connect", clock.serial.url]
    command += ["resume"] * resume + list(arguments)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.replace("\r\n", "\n")
