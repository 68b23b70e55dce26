"""Sessions of the page: how they open, what they may, and when they end."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from headroom.store import tokens
from headroom.web import api_app
from headroom.web.session_api import SESSION_S
from tests.support import World
from werkzeug.test import TestResponse

SESSION = "/api/v1/session"
OVERRIDE = "/api/v1/boards/flat-1/circuits/0/override"
OFF = {"state": "off", "until": None}


@pytest.fixture
def browser(world: World) -> FlaskClient:
    """A client with cookies of its own that has signed in."""
    client: FlaskClient = api_app(world.coordinator).test_client()
    assert sign_in(client, world.token).status_code == 200
    return client


def sign_in(client: FlaskClient, token: str) -> TestResponse:
    return client.post(SESSION, json={"token": token})


def csrf(client: FlaskClient) -> dict[str, Any]:
    """The header that changes need."""
    return {"Headroom-CSRF": client.get(SESSION).get_json()["csrf_token"]}


def order(client: FlaskClient, headers: dict[str, str]) -> tuple[int, str]:
    """Status of an order, and the kind of problem if there was one."""
    response = client.put(OVERRIDE, json=OFF, headers=headers)
    return response.status_code, response.get_json().get("type", "").rpartition("/")[2]


def test_a_session_says_whose_it_is_and_orders_in_that_name(
    world: World, browser: FlaskClient
) -> None:
    who = browser.get(SESSION).get_json()
    assert (who["name"], who["ends_unix_s"]) == ("first", world.clock.unix_s() + SESSION_S)
    assert order(browser, csrf(browser)) == (200, "")
    assert world.state()["boards"][0]["circuits"][0]["override"]["set_by"] == "first"


def test_the_cookie_is_for_this_server_alone(world: World) -> None:
    cookie = sign_in(world.api, world.token).headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/", f"Max-Age={SESSION_S}"} < set(
        cookie.split("; ")
    )
    assert "Domain" not in cookie


@pytest.mark.parametrize(("host", "secure"), [("localhost:8080", False), ("power.lan", True)])
def test_only_loopback_gets_the_cookie_without_tls(world: World, host: str, secure: bool) -> None:
    client = api_app(world.coordinator, ["power.lan"]).test_client()
    opened = client.post(SESSION, json={"token": world.token}, headers={"Host": host})
    assert ("Secure" in opened.headers["Set-Cookie"].split("; ")) is secure


@pytest.mark.parametrize("headers", [{}, {"Headroom-CSRF": ""}, {"Headroom-CSRF": "\xe9" * 64}])
def test_changes_by_cookie_need_the_csrf_token(
    browser: FlaskClient, headers: dict[str, str]
) -> None:
    assert order(browser, headers) == (403, "csrf-required")
    assert browser.delete(SESSION, headers=headers).status_code == 403


def test_another_sessions_csrf_token_is_none(world: World, browser: FlaskClient) -> None:
    other = api_app(world.coordinator).test_client()
    sign_in(other, world.token)
    assert order(browser, csrf(other)) == (403, "csrf-required")


@pytest.mark.parametrize("token", ["", "wrong", "é"])
def test_a_wrong_token_opens_nothing(world: World, token: str) -> None:
    refused = sign_in(world.api, token)
    assert (refused.status_code, refused.get_json()["detail"][:5]) == (401, "token")
    assert "Set-Cookie" not in refused.headers
    assert world.rows("sessions") == 0


def test_text_that_a_foreign_page_can_have_sent_opens_nothing(world: World) -> None:
    body = f'{{"token": "{world.token}"}}'
    refused = world.api.post(SESSION, data=body, content_type="text/plain")
    assert (refused.status_code, refused.get_json()["type"][-8:]) == (415, "not-json")


def test_a_session_ends_in_time_and_is_forgotten(world: World, browser: FlaskClient) -> None:
    header = csrf(browser)
    world.clock.advance(SESSION_S - 1)
    assert order(browser, header) == (200, "")
    world.clock.advance(1)
    assert order(browser, header) == (401, "token-required")
    assert browser.get(SESSION).status_code == 401
    sign_in(world.api, world.token)
    assert world.rows("sessions") == 1


def test_signing_out_ends_it_whoever_kept_the_cookie(world: World, browser: FlaskClient) -> None:
    header = csrf(browser)
    kept = browser.get_cookie("headroom_session")
    assert kept is not None
    assert browser.delete(SESSION, headers=header).status_code == 204
    assert browser.get_cookie("headroom_session") is None
    browser.set_cookie("headroom_session", kept.value)
    assert order(browser, header) == (401, "token-required")
    assert world.rows("sessions") == 0


def test_revoking_a_token_ends_its_sessions(world: World, browser: FlaskClient) -> None:
    header = csrf(browser)
    with world.store.write() as db:
        tokens.revoke_token(db, "first")
    assert order(browser, header) == (401, "token-required")


def test_a_session_outlives_a_restart_and_its_secret_is_nowhere_in_the_store(
    world: World, browser: FlaskClient
) -> None:
    cookie = browser.get_cookie("headroom_session")
    assert cookie is not None
    world.start()
    world.api.set_cookie("headroom_session", cookie.value)
    assert world.api.get(SESSION).get_json()["name"] == "first"
    stored = b"".join(path.read_bytes() for path in world.folder.glob("headroom.db*"))
    assert cookie.value.encode() not in stored


def test_a_token_in_the_header_needs_no_session(world: World) -> None:
    who = world.api.get(SESSION, headers=world.bearer).get_json()
    assert who == {"name": "first", "role": "admin", "csrf_token": None, "ends_unix_s": None}
