"""Which files are taken for MicroPython's image."""

import gzip
import hashlib
from pathlib import Path

import pytest
from headroom.device.errors import DeviceError
from headroom.device.layout import ROMFS_START
from headroom.device.micropython import load

# As an ESP32's image begins: the same magic number, its program at another place.
ESP32_START = b"\xe9\x04\x02\x20" + (0x40080C18).to_bytes(4, "little")
START = b"\xe9\x03\x02\x40" + (0x40100604).to_bytes(4, "little")
BODY = START + bytes(200) + b"VfsRom\0v1.29.0 on 2026-06-01; ESP module\0"


def whole(body: bytes) -> bytes:
    """As its build ends it."""
    return body + hashlib.md5(body[4:]).digest()


def written(folder: Path, content: bytes) -> Path:
    path = folder / "image.bin"
    path.write_bytes(content)
    return path


def test_an_image_with_romfs_is_taken_and_its_version_told(tmp_path: Path) -> None:
    path = written(tmp_path, whole(BODY))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert load(path).version == "1.29.0"
    assert load(path, digest.upper() + "\n").sha256 == digest


def test_its_first_bytes_may_have_been_set_for_a_flash_chip(tmp_path: Path) -> None:
    content = whole(BODY)
    load(written(tmp_path, content[:2] + b"\x00\x30" + content[4:]))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is no image for an ESP8266: it is empty"),
        (b"\xe9\x03", "it does not begin as one does"),
        (b"\n<!DOCTYPE html><html>404", "it is a web page"),
        (gzip.compress(whole(BODY)), "it is packed by gzip"),
        (b"\x7fELF" + BODY, "it is an ELF file"),
        (whole(BODY.replace(START, ESP32_START)), "it is for another chip, such as an ESP32"),
        (whole(BODY)[:-1], "cut off"),
        (whole(BODY).replace(b"1.29", b"1.30"), "cut off"),
        (whole(BODY.replace(b"VfsRom", b"VfsFat")), "without ROMFS"),
        (whole(BODY.ljust(ROMFS_START)), "reach into the ROMFS partition at 0xb0000"),
    ],
)
def test_others_are_refused_and_the_right_one_is_named(
    tmp_path: Path, content: bytes, words: str
) -> None:
    with pytest.raises(DeviceError, match=words) as caught:
        load(written(tmp_path, content))
    assert "ESP8266_GENERIC-FLASH_2M_ROMFS" in caught.value.way_out


def test_another_hash_than_the_one_given_is_told(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match=r"its SHA-256 is .*, not 00ff"):
        load(written(tmp_path, whole(BODY)), "00FF")
    with pytest.raises(DeviceError, match="cannot be read"):
        load(tmp_path / "absent.bin")
