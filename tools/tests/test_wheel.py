"""The wheel, installed alone: the coordinator, its page, and what goes onto boards."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import sysconfig
import time
import urllib.request
from pathlib import Path

import pytest
from headroom.device import firmware

from boards.virtual.module import Module
from boards.virtual.rom.image import stand_in

ROOT = Path(__file__).parent.parent.parent
STARTS_WITHIN_S = 30
STOPS_WITHIN_S = 10


@pytest.fixture(scope="module")
def headroom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of the wheel in an environment of its own.

    Its dependencies are those of this environment, where the project itself is installed by
    reference, which a path to its packages does not follow.
    """
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "project"
    kept = shutil.ignore_patterns("node_modules", "build", ".venv", ".git", "*.egg-info")
    shutil.copytree(ROOT, copy, ignore=kept)
    build = ["wheel", "--no-deps", "--no-build-isolation", "--quiet", "-w", str(folder), str(copy)]
    subprocess.run([sys.executable, "-m", "pip", *build], check=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder / "env")}))
    install = ["install", "--no-deps", "--quiet", "--target", str(site), str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", *install], check=True, timeout=120)
    (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    shutil.rmtree(copy)
    return folder / "env" / "bin" / "python"


def run(headroom: Path, *arguments: str, cwd: Path) -> str:
    """What a command of the wheel says."""
    code = "from headroom.cli import main; main()"
    done = subprocess.run(
        [headroom, "-c", code, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_flashes_the_image_that_it_carries(headroom: Path, tmp_path: Path) -> None:
    image = tmp_path / "micropython.bin"
    image.write_bytes(stand_in())
    with Module() as module:
        module.start_download()
        where = ["--port", module.plain_port, "--no-reset", "--baud", "115200"]
        told = json.loads(
            run(headroom, "board", "flash", str(image), *where, "--json", cwd=tmp_path)
        )
        content = module.flash(0xB0000, told["romfs_bytes"])
    # The very bytes that the repository builds.
    assert hashlib.sha256(content).digest() == hashlib.sha256(firmware.image()).digest()


def test_it_serves_the_page(headroom: Path, tmp_path: Path) -> None:
    run(headroom, "init", "site.toml", cwd=tmp_path)
    serve = ["serve", "--site", "site.toml", "--data", "data", "--board-listen", "127.0.0.1:0"]
    serve += ["--listen", "127.0.0.1:0", "--open-reading", "--ready-file", "ready.json"]
    code = "from headroom.cli import main; main()"
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [headroom, "-c", code, *serve], cwd=tmp_path, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + STARTS_WITHIN_S
        while not (tmp_path / "ready.json").exists():
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        page = json.loads((tmp_path / "ready.json").read_text())["page"]
        with urllib.request.urlopen(page, timeout=10) as response:
            assert "<title>" in response.read().decode()
    finally:
        process.terminate()
        process.wait(STOPS_WITHIN_S)
