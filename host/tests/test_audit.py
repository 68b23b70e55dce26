"""Who changed what is recorded with the change itself, and told to those who may know."""

from pathlib import Path
from typing import Any

import pytest
from headroom.store import audit, boards
from tests.server_process import prepare, run_headroom
from tests.support import World, sqlite_url

_OVERRIDE = "/api/v1/boards/flat-1/circuits/0/override"


def changes(world: World, query: str = "") -> list[dict[str, Any]]:
    """The record, newest first."""
    response = world.api.get(f"/api/v1/audit{query}", headers=world.bearer)
    assert response.status_code == 200
    found: list[dict[str, Any]] = response.get_json()["changes"]
    return found


@pytest.mark.both_databases
def test_an_order_is_recorded_with_what_was_before(world: World) -> None:
    world.api.put(_OVERRIDE, json={"state": "on", "until": None}, headers=world.bearer)
    world.clock.advance(60)
    world.api.put(_OVERRIDE, json={"state": "off", "until": None}, headers=world.bearer)
    world.clock.advance(60)
    world.api.delete(_OVERRIDE, headers=world.bearer)
    deleted, changed, made = changes(world)
    assert [change["unix_s"] for change in (made, changed, deleted)] == [
        1_800_000_000,
        1_800_000_060,
        1_800_000_120,
    ]
    for change in (made, changed, deleted):
        assert (change["person"], change["what"]) == ("first", "overrides")
        assert change["target"] == "flat-1/0"
    assert (made["old"], made["new"]["state"]) == (None, 1)
    assert (changed["old"], changed["new"]["state"]) == (made["new"], 0)
    assert (deleted["old"], deleted["new"]) == (changed["new"], None)


@pytest.mark.parametrize(
    ("path", "body", "what"),
    [
        (
            "boards/flat-1/circuits/0/schedule",
            {"start": 1_800_000_000, "step_s": 900, "slots": "10"},
            "schedules",
        ),
        ("prices", {"start": 1_800_000_000, "step_s": 900, "eur_mwh": [80]}, "prices"),
        ("boards/flat-1/maintenance", {"until": 1_800_001_000}, "maintenance"),
        ("boards/flat-1/charge-revocation", None, "charge_revocations"),
        ("tokens/guest", {"role": "read"}, "tokens"),
    ],
)
def test_every_kind_of_change_is_recorded_once(
    world: World, path: str, body: dict[str, Any] | None, what: str
) -> None:
    put = world.api.put(f"/api/v1/{path}", json=body, headers=world.bearer)
    assert put.status_code in (200, 204), put.text
    assert world.api.delete(f"/api/v1/{path}", headers=world.bearer).status_code in (200, 204)
    deleted, made = changes(world)
    assert (made["what"], made["old"], deleted["new"]) == (what, None, None)
    assert made["new"] == deleted["old"] is not None


def test_what_was_refused_or_changed_nothing_is_not_recorded(world: World) -> None:
    past = {"state": "on", "until": 1}
    assert world.api.put(_OVERRIDE, json=past, headers=world.bearer).status_code == 422
    assert world.api.delete(_OVERRIDE, headers=world.bearer).status_code == 200
    world.board().report()
    assert changes(world) == []


def test_a_secret_is_known_by_its_fingerprint_only(world: World) -> None:
    for key in (b"a" * 32, b"b" * 32):
        with audit.by("anna", 5), world.store.write() as db:
            boards.put_key(db, "flat-1", key)
    newer, older = changes(world)
    assert newer["old"] == older["new"]
    assert newer["new"] != older["new"]
    assert set(newer["new"]) == {"key"}
    assert newer["new"]["key"].startswith("sha256:")
    assert len(newer["new"]["key"]) == 7 + 12


def test_the_record_is_read_page_by_page_and_by_person(world: World) -> None:
    for number in range(5):
        with audit.by(f"p{number % 2}", number), world.store.write() as db:
            boards.put_key(db, "flat-1", bytes([number]) * 32)
    page = world.api.get("/api/v1/audit?limit=3", headers=world.bearer).get_json()
    assert [change["unix_s"] for change in page["changes"]] == [4, 3, 2]
    rest = changes(world, f"?before={page['next']}")
    assert [change["unix_s"] for change in rest] == [1, 0]
    assert [change["unix_s"] for change in changes(world, "?person=p1")] == [3, 1]
    assert changes(world, "?what=prices") == []


def test_only_an_admin_reads_it(world: World) -> None:
    made = world.api.put("/api/v1/tokens/guest", json={"role": "operate"}, headers=world.bearer)
    guest = {"Authorization": f"Bearer {made.get_json()['token']}"}
    assert world.api.get("/api/v1/audit", headers=guest).status_code == 403


def test_what_is_done_on_the_machine_is_recorded(tmp_path: Path) -> None:
    prepare(tmp_path)
    data = tmp_path / "data"
    for command in (
        ("board", "add", "flat-1", "--new-key", str(tmp_path / "key")),
        ("token", "new", "guest", "--file", str(tmp_path / "token")),
    ):
        done = run_headroom(*command, "--data", str(data))
        assert done.returncode == 0, done.stderr
    world = World(tmp_path, database=sqlite_url(data))
    token, board = changes(world)
    assert (token["what"], token["target"], board["what"]) == ("tokens", "guest", "boards")
    assert token["person"].endswith(" (headroom)")
    world.close()
