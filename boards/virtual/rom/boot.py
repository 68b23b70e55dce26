"""What the boot ROM does at a start: says why and how the chip starts, and looks at GPIO0."""

from __future__ import annotations

BAUD = 74_880  # 115200 for a crystal of 40 MHz, on a module that has one of 26

_POWER_ON, _PIN, _SOFTWARE, _WATCHDOG = 1, 2, 3, 4
_CAUSES = {"power_on": _POWER_ON, "hard": _PIN, "wdt": _WATCHDOG}
_FROM_FLASH, _DOWNLOAD = 3, 1


def greeting(cause: str, download: bool) -> bytes:
    """What it prints first; ``cause`` is one of RESET_CAUSES."""
    mode = _DOWNLOAD if download else _FROM_FLASH
    number = _CAUSES.get(cause, _SOFTWARE)
    return f"\r\n ets Jan  8 2013,rst cause:{number}, boot mode:({mode},6)\r\n\r\n".encode()
