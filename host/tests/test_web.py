"""The API's edges: tokens, hosts, headers, and one form for every error."""

import sqlite3
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from headroom.store import tokens
from headroom.web import api_app
from sqlalchemy import event
from tests.support import World, site_document

OVERRIDE = "/api/v1/boards/flat-1/circuits/0/override"


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("header", [None, "Bearer", "Bearer wrong", "Basic eDp5", "Bearer \xe9"])
def test_whatever_changes_state_needs_a_token(
    world: World, method: str, header: str | None
) -> None:
    headers = {"Authorization": header} if header else {}
    response = world.api.open(OVERRIDE, method=method, headers=headers, json={})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.get_json()["type"].endswith("/token-required")


def test_revoked_token_is_useless_and_another_persons_is_not(world: World) -> None:
    with world.store.write() as db:
        second = tokens.make_token(db, "second", 0)
        tokens.revoke_token(db, "first")
    order = {"state": "off", "until": None}
    assert world.api.put(OVERRIDE, json=order, headers=world.bearer).status_code == 401
    headers = {"Authorization": f"Bearer {second}"}
    assert world.api.put(OVERRIDE, json=order, headers=headers).status_code == 200


def test_token_is_nowhere_in_the_store(world: World) -> None:
    database = (world.folder / "headroom.db").read_bytes()
    log = (world.folder / "headroom.db-wal").read_bytes()
    assert world.token.encode() not in database + log
    assert (world.folder / "api.token").stat().st_mode & 0o777 == 0o600
    assert (world.folder / "headroom.db").stat().st_mode & 0o777 == 0o600
    assert world.folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/nothing", 404, "not-found"),
        ("GET", "/api/v1/boards/nobody", 404, "no-such-board"),
        ("GET", "/api/v1/boards/nobody/minutes", 404, "no-such-board"),
        ("GET", "/api/v1/events?after=x", 400, "malformed"),
        ("GET", "/api/v1/events?after=99999999999999999999", 400, "malformed"),
        ("PUT", "/api/v1/boards", 405, "method-not-allowed"),
    ],
)
def test_every_error_is_a_problem_document(
    world: World, method: str, path: str, status: int, kind: str
) -> None:
    response = world.api.open(path, method=method, headers=world.bearer)
    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    document = response.get_json()
    assert document["type"].rpartition("/")[2] == kind
    assert document["status"] == status


@pytest.mark.both_databases
@pytest.mark.parametrize("query", ["audit?person=%00", "audit?what=a%00", "events?kind=%00"])
def test_what_a_database_cannot_compare_is_malformed(world: World, query: str) -> None:
    response = world.api.get(f"/api/v1/{query}", headers=world.bearer)
    assert response.status_code == 400


def test_body_too_large_is_a_problem_document(world: World) -> None:
    headers = world.bearer | {"Content-Type": "application/json"}
    response = world.api.put(OVERRIDE, data=b" " * 5000, headers=headers)
    assert (response.status_code, response.content_type) == (413, "application/problem+json")


def test_error_of_ours_is_a_problem_document_that_tells_nothing(world: World) -> None:
    app = api_app(world.coordinator)

    @app.get("/fails")
    def fails() -> str:
        raise RuntimeError("secret")

    response = app.test_client().get("/fails")
    assert (response.status_code, response.content_type) == (500, "application/problem+json")
    assert "secret" not in response.text


def test_order_while_the_store_is_locked_is_unavailable(world: World) -> None:
    other = sqlite3.connect(world.folder / "headroom.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    order = {"state": "off", "until": None}
    response = world.api.put(OVERRIDE, json=order, headers=world.bearer)
    other.close()
    assert response.status_code == 503
    assert response.get_json()["type"].endswith("/store-unavailable")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]:8080", "[::1]"])
def test_loopback_names_are_served(world: World, host: str) -> None:
    assert world.api.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:8080", "10.0.0.1"])
def test_other_host_names_are_refused_unless_allowed(world: World, host: str) -> None:
    assert world.api.get("/", headers={"Host": host}).status_code == 421
    allowing: FlaskClient = api_app(world.coordinator, [host.partition(":")[0]]).test_client()
    assert allowing.get("/", headers={"Host": host}).status_code == 200


def test_page_may_load_nothing_from_elsewhere(world: World) -> None:
    response = world.api.get("/")
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'")
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "://" not in response.text.replace("http://www.w3.org", "")


def test_events_are_read_on_from_a_cursor(world: World) -> None:
    board = world.board()
    board.report(events=[[1, 9, "shed", 0, 12_000]])
    first = world.api.get("/api/v1/events").get_json()
    assert [(e["kind"], e["circuit_name"]) for e in first["events"]] == [("shed", "water heater")]
    board.report(events=[[2, 10, "overload", -1, 0]])
    rest = world.api.get(f"/api/v1/events?after={first['next']}").get_json()
    assert [(e["kind"], e["circuit"]) for e in rest["events"]] == [("overload", None)]
    assert world.api.get(f"/api/v1/events?after={rest['next']}").get_json()["events"] == []


def statements_of_state(world: World) -> int:
    """How many SQL statements the state takes."""
    statements: list[str] = []
    with world.store.read() as db:
        event.listen(
            db.engine, "before_cursor_execute", lambda *given: statements.append(given[2])
        )
    world.state()
    return len(statements)


def test_the_state_takes_as_many_statements_for_many_boards_as_for_two(tmp_path: Path) -> None:
    document = site_document(20)
    for board in document["boards"]:
        board["safe_limit_ma"] = {"L1": 0}
    many, two = World(tmp_path / "many", document), World(tmp_path / "two")
    assert statements_of_state(many) == statements_of_state(two) > 0
    many.close()
    two.close()


def test_site_and_boards_are_told(world: World) -> None:
    world.board().report()
    site = world.api.get("/api/v1/site").get_json()
    assert site["feeders"][0]["limit_ma"] == {"L1": 25_000, "L2": 0, "L3": 0}
    boards = world.api.get("/api/v1/boards").get_json()["boards"]
    assert [board["stale"] for board in boards] == [False, True]
    assert world.api.get("/api/v1/boards/flat-1").get_json() == boards[0]
    assert boards[0]["circuits"][0]["reason_text"] == "on: by default"
