"""What pyproject.toml cannot say: the wheel carries the firmware, with its image ready-made."""

import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

sys.path.insert(0, str(Path(__file__).parent / "host"))


class BuildWithFirmware(build_py):
    """A wheel has no repository around it to build the image from."""

    def run(self) -> None:
        """See setuptools; an editable installation takes the repository's files themselves."""
        super().run()
        if self.editable_mode:
            return
        from headroom.device.firmware import pack

        pack(Path(self.build_lib) / "headroom" / "device" / "packed")


setup(cmdclass={"build_py": BuildWithFirmware})
