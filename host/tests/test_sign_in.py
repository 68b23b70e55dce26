"""The link that signs a browser in: once, for minutes, where it is meant for."""

import json
import os
import pty
import re
import subprocess
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from headroom.cli import main
from headroom.store import sign_in_codes, tokens
from headroom.store.sign_in_codes import CODE_LASTS_S, THIS_MACHINE
from headroom.web import api_app
from tests.server_process import HEADROOM, prepare, run_headroom, serving
from tests.support import World
from werkzeug.test import TestResponse

BY_CODE = "/api/v1/session/by-code"
LINK = re.compile(r"(http://127\.0\.0\.1:\d+/)#code=([\w-]{43})")


def code_of(world: World, scope: str = THIS_MACHINE) -> str:
    with world.store.write() as db:
        return sign_in_codes.make_code(db, "first", int(world.clock.unix_s()), scope)


def use(
    client: FlaskClient, code: str, host: str = "localhost", address: str = "127.0.0.1"
) -> TestResponse:
    return client.post(
        BY_CODE,
        json={"code": code},
        headers={"Host": host},
        environ_overrides={"REMOTE_ADDR": address},
    )


@pytest.mark.both_databases
def test_a_code_opens_one_session(world: World) -> None:
    code = code_of(world)
    opened = use(world.api, code)
    assert (opened.status_code, opened.get_json()["name"]) == (200, "first")
    assert world.api.get("/api/v1/session").get_json()["role"] == "admin"
    again = use(api_app(world.coordinator).test_client(), code)
    assert again.status_code == 401
    assert "was used" in again.get_json()["detail"]


@pytest.mark.both_databases
def test_a_code_is_void_after_ten_minutes(world: World) -> None:
    early, late = code_of(world), code_of(world)
    world.clock.advance(CODE_LASTS_S - 1)
    assert use(world.api, early).status_code == 200
    world.clock.advance(1)
    assert use(world.api, late).status_code == 401


def test_a_code_goes_with_the_token_it_was_made_for(world: World) -> None:
    code = code_of(world)
    with world.store.write() as db:
        tokens.revoke_token(db, "first")
        tokens.make_token(db, "first", 0)
    assert use(world.api, code).status_code == 401


@pytest.mark.parametrize(
    ("host", "address"), [("localhost", "192.168.1.7"), ("power.lan", "127.0.0.1")]
)
def test_a_code_is_for_this_machine(world: World, host: str, address: str) -> None:
    client = api_app(world.coordinator, ["power.lan"]).test_client()
    code = code_of(world)
    refused = use(client, code, host, address)
    assert (refused.status_code, refused.headers.get("Set-Cookie")) == (401, None)
    assert use(client, code).status_code == 200


@pytest.mark.both_databases
@pytest.mark.parametrize("host", ["power.lan", "127.0.0.1"])
def test_a_code_for_a_page_elsewhere_is_for_its_name_alone(world: World, host: str) -> None:
    client = api_app(world.coordinator, ["power.lan", "other.lan"]).test_client()
    code = code_of(world, sign_in_codes.called(host))
    for other in ("other.lan", "localhost"):
        assert use(client, code, other).status_code == 401
    assert use(client, code, f"{host}:8443", "10.89.0.1").status_code == 200


def test_whoever_guesses_is_soon_out_of_breath(world: World) -> None:
    codes = [use(world.api, "guess").status_code for _ in range(10)]
    assert (codes[0], codes[-1]) == (401, 429)


def test_nothing_of_a_code_but_its_hash_is_stored(world: World) -> None:
    code = code_of(world)
    files = world.folder.glob("headroom.db*")
    assert not any(code.encode() in path.read_bytes() for path in files)


def test_the_command_prints_a_link_and_a_server_without_terminal_none(tmp_path: Path) -> None:
    prepare(tmp_path)
    data = str(tmp_path / "data")
    with serving(tmp_path, open_reading=False) as server:
        page = server.page.removeprefix("http://").rstrip("/")
        printed = run_headroom("sign-in", "--data", data, "--listen", page)
        found = LINK.fullmatch(printed.stdout.strip())
        assert found, printed
        assert found[1] == server.page
        assert signed_in(*found.groups()) == "first"
        server.process.terminate()
        assert server.process.stdout
        assert "code=" not in server.process.stdout.read()
    assert found[2] not in (tmp_path / "stderr").read_text()


def test_the_command_makes_a_link_for_a_page_elsewhere(tmp_path: Path) -> None:
    prepare(tmp_path)
    with serving(tmp_path, "--allow-host", "power.lan", open_reading=False) as server:
        call = ("sign-in", "--data", str(tmp_path / "data"), "--page")
        page, _, code = run_headroom(*call, "https://power.lan").stdout.strip().partition("#code=")
        assert page == "https://power.lan/"
        with pytest.raises(HTTPError, match="401"):
            signed_in(server.page, code)
        assert signed_in(server.page, code, "power.lan") == "first"


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("power.lan", "is not a page such as"),
        ("https://power.lan/page", "is not a page such as"),
        ("http://power.lan/", "use https"),
    ],
)
def test_a_page_that_takes_no_session_is_refused(tmp_path: Path, page: str, words: str) -> None:
    result = run_headroom("sign-in", "--data", str(tmp_path), "--page", page)
    assert (result.returncode, words in result.stderr) == (2, True)


def test_a_server_on_a_terminal_prints_a_link(tmp_path: Path) -> None:
    prepare(tmp_path)
    files = ("--site", str(tmp_path / "site.toml"), "--data", str(tmp_path / "data"))
    addresses = ("--listen", "127.0.0.1:0", "--board-listen", "127.0.0.1:0")
    ours, its = pty.openpty()
    command = [*HEADROOM, "serve", *files, *addresses]
    with (
        open(ours) as terminal,
        (tmp_path / "stderr").open("w") as log,
        subprocess.Popen(command, stdout=its, stderr=log) as process,
    ):
        os.close(its)
        assert terminal.readline().startswith("ready:"), (tmp_path / "stderr").read_text()
        found = LINK.search(terminal.readline())
        assert found
        assert signed_in(*found.groups()) == "first"
        process.terminate()


def signed_in(page: str, code: str, host: str = "localhost") -> str:
    """Who a code signs in, over the network, when the page is called by that name."""
    body = json.dumps({"code": code}).encode()
    headers = {"Content-Type": "application/json", "Host": host}
    request = urllib.request.Request(page + BY_CODE.lstrip("/"), body, headers)
    with urllib.request.urlopen(request, timeout=10) as response:
        name: str = json.load(response)["name"]
        return name


def test_nobody_without_a_token_is_signed_in(tmp_path: Path) -> None:
    prepare(tmp_path)
    result = CliRunner().invoke(main, ["sign-in", "--data", str(tmp_path / "data"), "--name", "x"])
    assert (result.exit_code, "x has no token" in result.output) == (2, True)
