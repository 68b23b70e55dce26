"""The esptool command, unmodified, against a virtual module."""

from __future__ import annotations

import subprocess
import sys

from boards.virtual.module import Module

WITHIN_S = 120


def run(port: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the esptool command, whatever becomes of it."""
    command = [sys.executable, "-m", "esptool", "--port", port, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=WITHIN_S, check=False)


def esptool(module: Module, *arguments: str) -> str:
    """Run it over RFC 2217, where it resets the chip itself; what it says."""
    return said(run(module.port, *arguments))


def esptool_on_cable(module: Module, *arguments: str, after: str = "no-reset-stub") -> str:
    """Run it on the plain cable, where a module waits in download mode already; what it says.

    pyserial's RFC 2217 client takes 0.2 s for each of esptool's commands: this is for many.
    """
    return said(run(module.plain_port, "--before", "no-reset", "--after", after, *arguments))


def said(done: subprocess.CompletedProcess[str]) -> str:
    """What a command that has succeeded says."""
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """What a command that has failed says."""
    assert done.returncode != 0, done.stdout
    return done.stdout + done.stderr
