"""What can go wrong with a board on a serial port."""


class DeviceError(Exception):
    """Names the thing, what is wrong with it, and the way out."""

    def __init__(self, what: str, way_out: str) -> None:
        super().__init__(f"{what}\n  {way_out}")
        self.what = what
        self.way_out = way_out


class StoppedError(DeviceError):
    """A person has stopped it half-way."""


class ProvisionError(Exception):
    """A configuration that the board would refuse; says which board, key and why."""
