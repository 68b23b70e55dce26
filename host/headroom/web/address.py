"""Where a listener is: host and port."""

import socket
from dataclasses import dataclass
from typing import Self


class ListenError(Exception):
    """An address that cannot be listened on; names it and says why."""


@dataclass(frozen=True)
class Address:
    """Host and port to listen on; port 0 = any that is free."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `HOST:PORT` or `[IPv6]:PORT`; raises ValueError."""
        host, _, port = text.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise ValueError(f"{text!r} is not HOST:PORT, such as 192.168.1.10:8087")
        return cls(host.removeprefix("[").removesuffix("]"), int(port))

    @property
    def family(self) -> socket.AddressFamily:
        """Which Internet protocol; a name is taken as one of version 4."""
        return socket.AF_INET6 if ":" in self.host else socket.AF_INET

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"
