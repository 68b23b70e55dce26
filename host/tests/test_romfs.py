"""The firmware's image: reproducible, told of, and read."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from headroom.cli import main
from headroom.device import firmware, romfs
from headroom.device.errors import DeviceError
from headroom.device.layout import ROMFS_BYTES


def test_the_same_sources_give_the_same_bytes_wherever_they_lie(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "firmware"
    shutil.copytree(firmware.folder() / "node", elsewhere / "node")
    first = romfs.build_firmware(firmware.folder(), tmp_path / "one")
    second = romfs.build_firmware(elsewhere, tmp_path / "two")
    assert first == second


def test_it_tells_its_version_and_the_hash_of_what_is_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "firmware"
    shutil.copytree(firmware.folder() / "node", folder / "node")
    before = romfs.build_of(romfs.build_firmware(folder, tmp_path))
    (folder / "node" / "status.py").write_text("def lines(app):\n    return []\n")
    after = romfs.build_of(romfs.build_firmware(folder, tmp_path))
    assert before.version == after.version == "0.1.0"
    assert before.hash != after.hash


def test_every_module_of_it_is_read_back() -> None:
    files = romfs.read(firmware.image())
    assert json.loads(files[romfs.BUILD])["version"] == "0.1.0"
    assert {"node/app.mpy", "node/link/pages.mpy", "node/__init__.mpy"} <= set(files)
    assert all(content.startswith(b"M\x06") for name, content in files.items() if "mpy" in name)


def test_a_damaged_image_is_refused_wherever_it_is_damaged() -> None:
    image = firmware.image()
    for at in range(0, len(image), len(image) // 200):
        damaged = image[:at] + bytes((image[at] ^ 0x10,)) + image[at + 1 :]
        with pytest.raises(DeviceError):
            romfs.build_of(damaged)
    with pytest.raises(DeviceError, match="bytes are there of"):
        romfs.build_of(image[:-1])


def test_one_that_is_too_large_is_refused_with_how_much() -> None:
    with pytest.raises(DeviceError, match=r"327681 bytes, .* 327680\n  take 1 bytes out"):
        romfs.check_size(bytes(ROMFS_BYTES + 1))


def test_the_command_writes_it_and_tells_of_it(tmp_path: Path) -> None:
    out = tmp_path / "headroom.romfs"
    told = CliRunner().invoke(main, ["board", "romfs", "-o", str(out)])
    assert told.exit_code == 0, told.output
    build = romfs.build_of(out.read_bytes())
    assert told.output.startswith(f"firmware 0.1.0, build {build.hash[:12]}: ")
    assert f"{out.stat().st_size} of 327680 bytes" in told.output
    read = CliRunner().invoke(main, ["board", "romfs", "--read", str(out), "--json"])
    assert json.loads(read.output)["hash"] == build.hash


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--read", "/nowhere"], "/nowhere: cannot be read"),
        (["--firmware", "/"], "/: has no node/app.py"),
        (["5"], "lines run from 1000"),
    ],
)
def test_what_it_cannot_do_it_says_with_exit_code_2(arguments: list[str], words: str) -> None:
    told = CliRunner().invoke(main, ["board", "romfs", *arguments])
    assert told.exit_code == 2
    assert words in told.output
