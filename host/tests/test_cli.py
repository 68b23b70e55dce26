"""The command: what it makes, what it refuses with exit code 2, and that it stops cleanly."""

import json
import signal
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from headroom.cli import main
from tests.server_process import Server, prepare, run_headroom, serving


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    prepare(folder)
    with serving(folder) as running:
        yield running


def run(*arguments: str | Path) -> Result:
    """A command in this process."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def serve(folder: Path, *arguments: str | Path) -> Result:
    """A server start that is expected to fail."""
    site, data = folder / "site.toml", folder / "data"
    given = ("--site", site, "--data", data, "--board-listen", "127.0.0.1:0")
    return run("serve", *given, *arguments)


def test_help_teaches_the_first_start() -> None:
    assert "headroom board provision flat-1" in run("--help").output
    assert "api.token" in run("serve", "--help").output


def test_new_key_is_written_private_and_never_printed(tmp_path: Path) -> None:
    key_file = tmp_path / "flat-1.key"
    added = run("board", "add", "flat-1", "--data", tmp_path / "data", "--new-key", key_file)
    key = key_file.read_text().strip()
    assert added.exit_code == 0
    assert len(bytes.fromhex(key)) == 32
    assert key not in added.output
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert "flat-1\t0 reports" in run("board", "list", "--data", tmp_path / "data").output
    listed = json.loads(run("board", "list", "--json", "--data", tmp_path / "data").stdout)
    assert listed == [{"id": "flat-1", "reports": 0, "boot": 0, "seq": 0}]


def test_key_is_taken_from_a_file(tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_text("ab" * 32)
    assert run("board", "add", "b", "--data", tmp_path, "--key-file", key_file).exit_code == 0
    key_file.write_text("ab" * 31)
    refused = run("board", "add", "b", "--data", tmp_path, "--key-file", key_file)
    assert (refused.exit_code, "ab" * 31 in refused.output) == (2, False)


@pytest.mark.parametrize(
    "arguments", [("Flat 1", "--new-key", "k"), ("flat-1",), ("flat-1", "--key-file", "missing")]
)
def test_board_that_cannot_be_added_is_refused(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert run("board", "add", *arguments, "--data", tmp_path / "data").exit_code == 2


def test_token_is_made_and_revoked(tmp_path: Path) -> None:
    path = tmp_path / "token"
    made = run("token", "new", "anna", "--data", tmp_path, "--file", path)
    assert made.exit_code == 0
    assert path.read_text().strip() not in made.output
    assert run("token", "revoke", "anna", "--data", tmp_path).exit_code == 0
    assert run("token", "revoke", "anna", "--data", tmp_path).exit_code == 2


def test_tokens_have_roles_and_are_listed(tmp_path: Path) -> None:
    path = tmp_path / "token"
    for name, role in (("anna", "operate"), ("bert", "read")):
        made = run("token", "new", name, "--data", tmp_path, "--file", path, "--role", role)
        assert f"may {role}" in made.output
    listed = run("token", "list", "--data", tmp_path).output.splitlines()
    assert [line.split("\t")[:2] for line in listed] == [["anna", "operate"], ["bert", "read"]]


@pytest.mark.parametrize(
    ("content", "status"), [("ab" * 24, 0), ("ab" * 8, 2), ("ab " * 24, 2), ("", 2)]
)
def test_a_token_is_taken_from_a_file(tmp_path: Path, content: str, status: int) -> None:
    path = tmp_path / "given"
    path.write_text(content + "\n")
    taken = run("token", "new", "prometheus", "--data", tmp_path, "--from-file", path)
    assert taken.exit_code == status
    assert not content or content not in taken.output


@pytest.mark.parametrize("arguments", [("anna",), ("an na", "--file", "x")])
def test_token_that_cannot_be_made_is_refused(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert run("token", "new", *arguments, "--data", tmp_path).exit_code == 2


@pytest.mark.parametrize("exposed", [("--listen", "0.0.0.0:0"), ("--allow-host", "power.lan")])
def test_open_reading_is_for_this_machine_alone(tmp_path: Path, exposed: tuple[str, ...]) -> None:
    refused = serve(tmp_path, "--open-reading", *exposed)
    assert refused.exit_code == 2
    assert "--open-reading is for this machine alone" in refused.output


def test_bad_site_file_is_told_line_by_line(tmp_path: Path) -> None:
    prepare(tmp_path)
    site = tmp_path / "site.toml"
    site.write_text(site.read_text().replace("priority = 4", "priority = 9"))
    failed = serve(tmp_path)
    assert failed.exit_code == 2
    told = [line for line in failed.output.splitlines() if "priority" in line]
    assert len(told) == 2
    assert told[0].startswith(f"headroom: {site}: boards[0].circuits[0].priority: ")


def test_port_in_use_is_named(tmp_path: Path) -> None:
    prepare(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        failed = serve(tmp_path, "--listen", address)
    assert failed.exit_code == 2
    assert f"cannot listen on {address}" in failed.output


def test_data_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    prepare(tmp_path)
    (tmp_path / "file").write_text("")
    failed = serve(tmp_path, "--data", tmp_path / "file" / "data")
    assert failed.exit_code == 2
    assert "cannot be written" in failed.output


def test_store_of_a_later_release_is_refused(tmp_path: Path) -> None:
    prepare(tmp_path)
    database = sqlite3.connect(tmp_path / "data" / "headroom.db")
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.commit()
    database.close()
    failed = serve(tmp_path)
    assert failed.exit_code == 2
    assert "written by a later release" in failed.output


@pytest.mark.parametrize(
    "command",
    [["backup", "copy.db"], ["token", "list"], ["token", "revoke", "anna"], ["board", "list"]],
)
def test_a_slip_in_data_is_told_and_makes_no_store(tmp_path: Path, command: list[str]) -> None:
    slip = tmp_path / "daat"
    failed = CliRunner().invoke(main, [*command, "--data", str(slip)])
    assert failed.exit_code == 2
    assert f"{slip}: has no store" in failed.output
    assert not slip.exists()


def test_the_store_is_where_the_url_says(tmp_path: Path) -> None:
    elsewhere = f"sqlite:///{tmp_path / 'elsewhere' / 'store.db'}"
    arguments = ["board", "list", "--data", str(tmp_path / "data")]
    done = CliRunner().invoke(main, ["--database", elsewhere, *arguments])
    assert done.exit_code == 0
    assert (tmp_path / "elsewhere" / "store.db").exists()
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("nonsense", "not one of a database"),
        ("mysql://user:secret@host/name", "sqlite:///FILE or postgresql://"),
        ("postgresql://user:secret@host", "sqlite:///FILE or postgresql://"),
        ("postgresql://user:secret@127.0.0.1:1/name", "onnection refused"),
    ],
)
def test_a_store_that_cannot_be_reached_is_told_without_its_password(
    tmp_path: Path, url: str, text: str
) -> None:
    arguments = ["board", "list", "--data", str(tmp_path)]
    failed = CliRunner().invoke(main, arguments, env={"HEADROOM_DATABASE": url})
    assert failed.exit_code == 2
    assert text in failed.output
    assert "secret" not in failed.output


@pytest.mark.parametrize("address", ["0.0.0.0:8080", "192.168.1.10:8080"])
def test_exposed_page_is_refused_without_named_hosts(tmp_path: Path, address: str) -> None:
    prepare(tmp_path)
    failed = serve(tmp_path, "--listen", address)
    assert failed.exit_code == 2
    assert "--allow-host" in failed.output


def test_second_server_on_the_same_data_is_refused(tmp_path: Path) -> None:
    prepare(tmp_path)
    with serving(tmp_path):
        site, data = str(tmp_path / "site.toml"), str(tmp_path / "data")
        second = run_headroom(
            "serve", "--site", site, "--data", data, "--board-listen", "127.0.0.1:0"
        )
    assert second.returncode == 2
    assert "another headroom server" in second.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_server_stops_cleanly_and_logs_json_without_secrets(tmp_path: Path, number: int) -> None:
    prepare(tmp_path)
    with serving(tmp_path) as server:
        board = server.board("flat-1")
        assert board.report().status == 200
        assert board.send(board.body(), "0" * 64).status == 401
        server.process.send_signal(number)
        assert server.process.wait(timeout=10) == 0
    lines = (tmp_path / "stderr").read_text().splitlines()
    assert [json.loads(line)["problem"] for line in lines] == ["unsigned"]
    token = (tmp_path / "data" / "api.token").read_text().strip()
    assert token not in "".join(lines)


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (b"POST /api/v1/boards/a/reports HTTP/1.1\r\nContent-Length: 1537\r\n\r\n", 413),
        (b"POST /api/v1/boards/a/reports HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (b"POST /api/v1/boards/a/reports HTTP/1.1\r\n\r\n", 411),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"no http\r\n\r\n", 400),
    ],
)
def test_server_itself_refuses_with_a_problem_document(
    shared_server: Server, request_text: bytes, status: int
) -> None:
    host, _, port = shared_server.boards.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request_text)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.makefile("rb").read()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split(b" ")[1] == str(status).encode()
    assert b"application/problem+json" in head
    assert json.loads(body)["status"] == status
