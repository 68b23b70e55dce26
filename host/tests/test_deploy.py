"""The compose file mounts what is there, and has no password of its own."""

import re
import tomllib

from headroom.site.retention import Retention
from tests.prometheus_process import DEPLOY

_COMPOSE = (DEPLOY / "compose.yaml").read_text()
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
