"""The compose file mounts what is there, and has no password of its own; the image is whole."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from fnmatch import fnmatch
from itertools import accumulate
from pathlib import Path

from headroom.site.retention import Retention
from tests.prometheus_process import DEPLOY

_COMPOSE = (DEPLOY / "compose.yaml").read_text()
_ROOT = DEPLOY.parents[1]
_IGNORED = (DEPLOY.parents[1] / ".gitignore").read_text().splitlines()


def test_what_it_mounts_is_in_the_repository() -> None:
    mounted = re.findall(r"- \./(\S+?):", _COMPOSE)
    assert len(mounted) >= 3
    assert all((DEPLOY / path).exists() for path in mounted)
    dockerfile = re.search(r"context: (\S+)\n +dockerfile: (\S+)", _COMPOSE)
    assert dockerfile
    assert (DEPLOY / dockerfile[1] / dockerfile[2]).exists()


def test_passwords_come_from_files_that_git_ignores() -> None:
    secrets = re.findall(r"^    file: \./(\S+)$", _COMPOSE, re.MULTILINE)
    assert {"secrets/postgres_password", "secrets/grafana_password"} <= set(secrets)
    assert all(f"host/deploy/{path.partition('/')[0]}/" in _IGNORED for path in secrets)
    for line in re.findall(r".*PASSWORD.*", _COMPOSE):
        assert "/run/secrets/" in line


def test_every_secret_that_is_read_is_given_to_the_service() -> None:
    for service in re.split(r"\n  (?=\w+:\n)", _COMPOSE.partition("\nsecrets:")[0]):
        given = re.findall(r"\w+", "".join(re.findall(r"secrets: \[(.*)\]", service)))
        assert set(re.findall(r"/run/secrets/(\w+)", service)) <= set(given), service


def test_the_readme_has_the_defaults_of_retention() -> None:
    text = (DEPLOY / "README.md").read_text()
    [table] = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert Retention(**tomllib.loads(table)["retention"]) == Retention()


def test_the_image_is_built_of_all_that_the_wheel_takes(tmp_path: Path) -> None:
    """The Dockerfile's copies, without what its context leaves out, make a whole wheel."""
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    context = tmp_path / "context"
    for line in re.findall(r"^COPY (.*)", dockerfile, re.MULTILINE):
        *sources, target = line.split()
        for source in sources:
            # Buildah does not look for what is taken again below a folder that is left out.
            assert not _is_left_out(source), source
            _copy(source, context / target / (Path(source).name if target == "./" else ""))
    build = ["wheel", "--no-deps", "--no-build-isolation", "--quiet", "-w", str(tmp_path)]
    subprocess.run([sys.executable, "-m", "pip", *build, context], check=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "headroom/device/packed/headroom.romfs",
        "headroom/device/packed/boards/esp12f_relay_x4/board.toml",
        "headroom/web/templates/dashboard.html",
        "headroom/web/static/main.js",
    } <= names


def _copy(source: str, target: Path) -> None:
    """What Docker copies of a file or folder of the repository."""
    path = _ROOT / source
    for file in [path] if path.is_file() else path.rglob("*"):
        if file.is_file() and not _is_left_out(file.relative_to(_ROOT).as_posix()):
            copied = target if path.is_file() else target / file.relative_to(path)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copied)


def _is_left_out(path: str) -> bool:
    """Docker's rule: the last line that matches the path or a folder above it."""
    above = list(accumulate(path.split("/"), lambda a, b: f"{a}/{b}"))
    left_out = False
    for line in (_ROOT / ".dockerignore").read_text().split():
        pattern = line.removeprefix("!")
        anywhere = pattern.removeprefix("**/")
        if anywhere != pattern:
            found = any(fnmatch(part, anywhere) for part in path.split("/"))
        else:
            found = any(
                one.count("/") == pattern.count("/") and fnmatch(one, pattern) for one in above
            )
        if found:
            left_out = not line.startswith("!")
    return left_out
