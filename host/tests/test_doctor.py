"""`headroom doctor` and `headroom init`: what is wrong, in words, with a way out."""

import json
import os
import socket
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from headroom.cli import main
from headroom.doctor.keeping import examine_keeper
from headroom.findings import Finding
from headroom.site import load_site, parse_site
from headroom.site.enforceable import unenforceable
from headroom.site.on_board import on_board
from headroom.store import figures, open_store, outdated_boards, site_changes
from headroom.store.outdated_boards import Outdated
from tests.server_process import prepare, serving
from tests.support import site_document, sqlite_url

LISTEN = ("--listen", "127.0.0.1:0")
NOBODY = 65_534


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def examine(folder: Path, *arguments: str | Path) -> tuple[int, list[Finding]]:
    """The exit code and what is found, with nothing on the addresses unless they are given."""
    given = arguments or ("--listen", "127.0.0.1:0")
    site, data = folder / "site.toml", folder / "data"
    result = run("doctor", "--site", site, "--data", data, "--json", *given)
    assert result.output.startswith("["), result.output
    return result.exit_code, [Finding(**found) for found in json.loads(result.output)]


def only(found: list[Finding], thing: str) -> Finding:
    """The one finding about a thing; everyone has a way out."""
    assert all(finding.way_out for finding in found)
    (finding,) = (finding for finding in found if finding.thing == thing)
    return finding


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A site whose two boards have just reported."""
    prepare(tmp_path)
    set_received(tmp_path, time.time())
    return tmp_path


def set_received(folder: Path, unix_s: float, board: str = "%") -> None:
    with sqlite3.connect(folder / "data" / "headroom.db") as db:
        db.execute("UPDATE boards SET received_unix_s = ? WHERE id LIKE ?", [int(unix_s), board])
    db.close()


def test_nothing_wrong_is_exit_code_0(folder: Path) -> None:
    assert examine(folder) == (0, [])
    plain = run("doctor", "--site", folder / "site.toml", "--data", folder / "data", *LISTEN)
    assert plain.output == "nothing wrong\n"


def set_host(folder: Path, host: str) -> None:
    """Have both boards' last reports come from there."""
    with sqlite3.connect(folder / "data" / "headroom.db") as db:
        db.execute("UPDATE boards SET host = ?", [host])
    db.close()


@contextmanager
def port_that(reads: bool) -> Iterator[int]:
    """A port that takes connections and says nothing, or closes if it does not even read."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        if not reads:
            server.close()
        yield port


def test_boards_are_not_silent_when_it_is_the_server_that_rests(folder: Path) -> None:
    set_received(folder, time.time() - 300)
    set_received(folder, time.time() - 600, "flat-2")
    code, found = examine(folder)
    assert (code, [finding.thing for finding in found]) == (1, ["server", "board flat-2"])
    assert "none runs on" in only(found, "server").what
    assert "headroom serve" in only(found, "server").way_out


def test_board_that_is_silent_and_was_never_asked_where_it_is(folder: Path) -> None:
    set_received(folder, time.time() - 300, "flat-1")
    code, found = examine(folder)
    assert code == 1
    silent = only(found, "board flat-1")
    assert "reports every 10 s" in silent.what
    assert "link.host" in silent.way_out


@pytest.mark.parametrize(
    ("reads", "words"),
    [(False, "where its own HTTP is off"), (True, "nothing answers at 127.0.0.1")],
)
def test_board_that_cannot_be_reached(folder: Path, reads: bool, words: str) -> None:
    set_received(folder, time.time() - 300, "flat-1")
    set_host(folder, "127.0.0.1")
    with port_that(reads) as port:
        code, found = examine(folder, *LISTEN, "--board-http-port", str(port))
    assert code == 1
    assert words in only(found, "board flat-1").what


def test_something_else_at_the_boards_address(folder: Path) -> None:
    set_received(folder, time.time() - 300)
    set_host(folder, "127.0.0.1")
    with serving(folder) as server:
        page = server.page.removeprefix("http://").rstrip("/")
        port = page.rpartition(":")[2]
        _, found = examine(folder, "--listen", page, "--board-http-port", port)
    assert "is no board" in only(found, "board flat-1").what


def test_a_board_that_reports_is_not_blamed_for_having_no_http(folder: Path) -> None:
    set_host(folder, "127.0.0.1")
    with port_that(reads=False) as port:
        assert examine(folder, *LISTEN, "--board-http-port", str(port)) == (0, [])


def test_board_that_was_never_heard_and_one_without_key(tmp_path: Path) -> None:
    prepare(tmp_path)
    with sqlite3.connect(tmp_path / "data" / "headroom.db") as db:
        db.execute("DELETE FROM boards WHERE id = 'flat-2'")
    db.close()
    _, found = examine(tmp_path)
    assert "never been heard" in only(found, "board flat-1").what
    assert "headroom board add flat-2" in only(found, "board flat-2").way_out


def test_wrong_key_shows_at_the_running_server(folder: Path) -> None:
    set_received(folder, time.time() - 300)
    with serving(folder, open_reading=False) as server:
        board = server.board("flat-1", key=bytes(32))
        assert board.report().status == 401
        stranger = replace(board, board_id="flat-9")
        assert stranger.report().status == 401
        page = server.page.removeprefix("http://").rstrip("/")
        code, found = examine(folder, "--listen", page)
    assert code == 1
    refused = only(found, "board flat-1")
    assert "heard 30" in refused.what
    assert "1 reports in its name were refused" in refused.what
    assert "secrets.json" in refused.way_out
    assert only(found, "reports").what == "1 were refused that name no board of this site"


def test_series_that_stand_still_and_a_clock_that_leapt() -> None:
    metrics = (
        "headroom_keeper_failures_total 7.0\n"
        "headroom_keeper_last_success_timestamp_seconds 1e+09\n"
        "headroom_retention_clock_lag_seconds 864000.0\n"
    )
    found = list(examine_keeper(metrics, 1_000_000_300))
    assert "for 300 s and have failed 7 times" in only(found, "series and retention").what
    assert "10 days behind" in only(found, "retention").what
    assert not list(examine_keeper(metrics.replace("864000", "60"), 1_000_000_030))


def test_a_running_server_tells_that_its_clock_leapt(folder: Path) -> None:
    url = f"sqlite:///{folder / 'data' / 'headroom.db'}"
    with closing(open_store(url)) as store, store.write() as db:
        figures.set_retention_unix_s(db, int(time.time()) - 10 * 86_400)
    with serving(folder) as server:
        page = server.page.removeprefix("http://").rstrip("/")
        end_s = time.monotonic() + 30
        found: list[Finding] = []
        while "retention" not in [finding.thing for finding in found]:
            assert time.monotonic() < end_s
            _, found = examine(folder, "--listen", page)
    assert "10 days behind" in only(found, "retention").what


def test_refusals_of_a_board_that_reports_are_a_warning(folder: Path) -> None:
    with serving(folder) as server:
        assert server.board("flat-1").send(b"{}").status == 400
        page = server.page.removeprefix("http://").rstrip("/")
        code, found = examine(folder, "--listen", page)
    assert code == 3
    assert "do not fit the site file" in only(found, "board flat-1").what


def test_the_address_of_a_board_is_where_its_report_came_from(folder: Path) -> None:
    with serving(folder) as server:
        assert server.board("flat-1").report().status == 200
    with sqlite3.connect(folder / "data" / "headroom.db") as db:
        rows = db.execute("SELECT id, host FROM boards ORDER BY id").fetchall()
    db.close()
    assert rows == [("flat-1", "127.0.0.1"), ("flat-2", None)]


def test_clock_that_is_off(folder: Path) -> None:
    set_received(folder, time.time() + 3600)
    code, found = examine(folder)
    assert code == 1
    assert "in the future" in only(found, "clock of this machine").what


def test_port_that_is_taken(folder: Path) -> None:
    with serving(folder) as server:
        other = folder / "other"
        other.mkdir()
        prepare(other)
        set_received(other, time.time())
        code, found = examine(other, "--listen", "127.0.0.1:0", "--board-listen", server.boards)
    assert code == 1
    taken = only(found, f"address {server.boards}")
    assert "Address already in use" in taken.what
    assert "ss -ltnp" in taken.way_out


@pytest.mark.skipif(os.geteuid() != 0, reason="takes two users, so that one cannot chmod")
def test_database_that_is_read_only() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        prepare(folder)
        for path, mode in ((folder, 0o755), (folder / "data", 0o755)):
            path.chmod(mode)
        (folder / "data" / "headroom.db").chmod(0o644)
        os.seteuid(NOBODY)
        try:
            code, found = examine(folder)
        finally:
            os.seteuid(0)
    assert code == 1
    store = only(found, "store")
    assert "cannot be written" in store.what
    assert "owner" in store.way_out


def test_site_file_that_is_not_there(folder: Path) -> None:
    (folder / "site.toml").unlink()
    _, found = examine(folder)
    assert "headroom init" in only(found, "site file").way_out
    assert "line" not in only(found, "site file").way_out


@pytest.mark.parametrize("url", ["mysql://somebody@db/headroom", "headroom.db"])
def test_url_that_names_no_store(folder: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("HEADROOM_DATABASE", url)
    _, found = examine(folder)
    assert "HEADROOM_DATABASE" in only(found, "store").way_out


def test_database_of_a_later_release(folder: Path) -> None:
    with sqlite3.connect(folder / "data" / "headroom.db") as db:
        db.execute("PRAGMA user_version = 99")
        db.execute("UPDATE alembic_version SET version_num = 'later'")
    db.close()
    _, found = examine(folder)
    assert "the release that wrote it" in only(found, "store").way_out


def test_site_file_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text("[site]\nname = 1\n")
    code, found = examine(tmp_path)
    assert code == 1
    assert {f.thing for f in found} >= {"site file"}
    assert any("feeders: is missing" in f.what for f in found)


def site_with(**changes: Any) -> dict[str, Any]:
    """The test site with some keys of feeder, board or circuit changed."""
    document = site_document()
    for key, value in changes.items():
        kind, _, name = key.partition("__")
        tables = {
            "feeder": document["feeders"][0],
            "board": document["boards"][0],
            "circuit": document["boards"][0]["circuits"][0],
        }
        tables[kind][name] = value
    return document


CHILD = {"id": "barn", "parent": "riser", "rating_ma": {"L1": 30_000}}


@pytest.mark.parametrize(
    ("document", "level", "thing", "words"),
    [
        (site_with(feeder__limit_ma={"L1": 10_999}), "error", "feeder riser L1", "sum to 11000"),
        (
            site_with(circuit__kind="critical", circuit__rated_ma=19_001),
            "error",
            "feeder riser L1",
            "may reach 25001 mA",
        ),
        (
            site_with(circuit__kind="critical", circuit__rated_ma=6000),
            "warning",
            "board flat-1 L1",
            "may draw 6000 mA, above safe_limit_ma 5000",
        ),
        (site_with(circuit__safe="on"), "warning", "board flat-1 L1", "some of them are shed"),
        (
            site_with(circuit__rated_ma=26_000),
            "error",
            "board flat-1, circuit water heater",
            "above the rating 25000 mA",
        ),
        (
            site_with() | {"feeders": [site_with()["feeders"][0], CHILD]},
            "warning",
            "feeder barn L1",
            "trip first",
        ),
        (
            site_with(feeder__meter={"max_ma": {"L1": 2000}}),
            "warning",
            "feeder riser, meter",
            "rise_ma is 0",
        ),
    ],
)
def test_limit_that_cannot_be_enforced(
    document: dict[str, Any], level: str, thing: str, words: str
) -> None:
    found = [f for f in unenforceable(parse_site(document)) if f.thing == thing]
    assert any(f.level == level and words in f.what and f.way_out for f in found), found


def test_site_that_can_be_enforced_has_no_findings() -> None:
    assert unenforceable(parse_site(site_document())) == []


@pytest.mark.parametrize("phases", ["1", "3"])
@pytest.mark.parametrize("boards", ["1", "6"])
def test_init_writes_a_file_that_needs_no_change(tmp_path: Path, phases: str, boards: str) -> None:
    path = tmp_path / "site.toml"
    made = run("init", path, "--name", "Barn", "--phases", phases, "--boards", boards)
    assert made.exit_code == 0
    site = load_site(path)
    assert (site.name, len(site.boards)) == ("Barn", int(boards))
    assert unenforceable(site) == []
    assert run("init", path).exit_code == 2


def test_what_init_comments_out_may_be_filled_in(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    run("init", path, "--boards", "1")
    lines = path.read_text().splitlines()
    wanted = ("# [", "# id =", "# parent =", "# rating_ma =", "# max_ma", "# rise_ma", "# max_age")
    path.write_text("\n".join(ln[2:] if ln.startswith(wanted) else ln for ln in lines))
    site = load_site(path)
    assert [feeder.parent for feeder in site.feeders] == [None, "main"]
    assert site.feeders[0].meter is not None


def test_changes_of_the_site_are_looked_at_with_the_file(folder: Path) -> None:
    site = load_site(folder / "site.toml")
    tables = (on_board(site, site.boards[0]),)
    with closing(open_store(sqlite_url(folder / "data"))) as store, store.write() as db:
        site_changes.put_change(db, "feeder/riser", "limit_ma", [1_000_000, 0, 0])
        site_changes.put_change(db, "board/flat-2", "table", None)
        outdated_boards.replace_outdated(db, {"flat-1": Outdated(tables, 1, registered=False)})
    code, found = examine(folder)
    assert code == 1
    assert (
        "limit 1000000 mA is above its rating" in only(found, "change feeder.riser.limit_ma").what
    )
    assert "headroom site forget" in only(found, "change feeder.riser.limit_ma").way_out
    assert "headroom board provision flat-1" in only(found, "board flat-1").way_out
    assert "is not on the site" in only(found, "board flat-2").what
