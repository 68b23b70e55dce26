"""Who may do what: roles of tokens, tokens made by API, and reading that is open to all or not."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from headroom.store import tokens
from headroom.store.tokens import ROLES, Role
from headroom.web import api_app
from headroom.web.operations import Operation
from tests.support import World
from werkzeug.routing import Rule

OFF = {"state": "off", "until": None}


@pytest.fixture
def app(world: World) -> Flask:
    """The application as it is by default."""
    return api_app(world.coordinator)


@pytest.fixture
def bearer(world: World) -> Callable[[Role], dict[str, str]]:
    """Headers of somebody with a role."""

    def headers(role: Role) -> dict[str, str]:
        with world.store.write() as db:
            return {"Authorization": f"Bearer {tokens.make_token(db, f'a-{role}', 0, role)}"}

    return headers


def operations(app: Flask) -> Iterator[tuple[Rule, str, Operation]]:
    """Every route with each of its methods."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if isinstance(view, Operation):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method, view


def answers(client: FlaskClient, rule: Rule, method: str, headers: dict[str, str]) -> int:
    """The status of an operation on the first board, without a body."""
    path = (
        rule.rule.replace("<board_id>", "flat-1")
        .replace("<int:circuit>", "0")
        .replace("<feeder_id>", "riser")
        .replace("<name>", "somebody")
    )
    return client.open(path, method=method, headers=headers).status_code


def test_every_operation_refuses_whoever_may_less(
    app: Flask, bearer: Callable[[Role], dict[str, str]]
) -> None:
    client = app.test_client()
    headers = {role: bearer(role) for role in ROLES}
    for rule, method, view in operations(app):
        if view.role is None:
            continue
        assert answers(client, rule, method, {}) == 401, rule
        for role in ROLES:
            refused = ROLES.index(role) < ROLES.index(view.role)
            assert (answers(client, rule, method, headers[role]) == 403) is refused, rule


def test_what_is_open_to_all_is_known_by_name(app: Flask) -> None:
    free = {(method, rule.rule) for rule, method, view in operations(app) if view.role is None}
    assert free == {
        ("POST", "/api/v1/session"),
        ("POST", "/api/v1/session/by-code"),
        ("GET", "/api/v1/openapi.json"),
    }
    plain = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if not isinstance(app.view_functions[rule.endpoint], Operation)
    }
    assert plain == {"/", "/healthz", "/static/<path:filename>"}


def test_changes_take_more_than_reading(app: Flask) -> None:
    changes = [view.role for _, method, view in operations(app) if method in ("PUT", "POST")]
    assert "read" not in changes


def test_open_reading_opens_reading_alone(world: World) -> None:
    client = api_app(world.coordinator, open_reading=True).test_client()
    assert client.get("/api/v1/state").status_code == 200
    assert client.get("/metrics").status_code == 200
    assert client.get("/api/v1/session").status_code == 401
    assert client.get("/api/v1/tokens").status_code == 401
    assert client.put("/api/v1/prices", json={}).status_code == 401


def test_refusal_says_what_is_missing(
    app: Flask, bearer: Callable[[Role], dict[str, str]]
) -> None:
    path = "/api/v1/boards/flat-1/circuits/0/override"
    refused = app.test_client().put(path, json=OFF, headers=bearer("read")).get_json()
    assert refused["type"].endswith("/role-required")
    assert refused["detail"] == "a-read may read; this takes the role operate"


def test_tokens_are_made_listed_and_revoked_by_api(world: World) -> None:
    made = world.api.put("/api/v1/tokens/anna", json={"role": "read"}, headers=world.bearer)
    token = made.get_json()["token"]
    listed = world.api.get("/api/v1/tokens", headers=world.bearer).get_json()["tokens"]
    assert [(item["name"], item["role"]) for item in listed] == [
        ("anna", "read"),
        ("first", "admin"),
    ]
    assert token not in str(listed)
    anna = {"Authorization": f"Bearer {token}"}
    assert world.api.get("/api/v1/session", headers=anna).get_json()["role"] == "read"
    revoked = world.api.delete("/api/v1/tokens/anna", headers=world.bearer)
    assert revoked.status_code == 204
    assert world.api.get("/api/v1/session", headers=anna).status_code == 401
    again = world.api.delete("/api/v1/tokens/anna", headers=world.bearer)
    assert (again.status_code, again.get_json()["detail"]) == (404, "anna has no token")


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("first", {"role": "read"}, 422),
        ("anna", {"role": "king"}, 400),
        ("an na", {"role": "read"}, 404),
        ("a" * 65, {"role": "read"}, 404),
    ],
)
def test_token_that_makes_no_sense_is_refused(
    world: World, name: str, body: Any, status: int
) -> None:
    response = world.api.put(f"/api/v1/tokens/{name}", json=body, headers=world.bearer)
    assert response.status_code == status
    assert world.rows("tokens") == 1
