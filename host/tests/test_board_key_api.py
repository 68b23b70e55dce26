"""A board is registered, or given another key, by API."""

from pathlib import Path
from typing import Any

import pytest
from tests.support import World, key_of

NEW = bytes(range(32))
PATH = "/api/v1/boards/flat-1/key"


def put(world: World, body: dict[str, Any], path: str = PATH, **headers: str) -> int:
    return world.api.put(path, json=body, headers=headers or world.bearer).status_code


def test_from_then_on_the_new_key_counts_and_the_old_one_does_not(tmp_path: Path) -> None:
    world = World(tmp_path)
    old, new = world.board(), world.board()
    assert old.report().status == 200
    assert put(world, {"key": NEW.hex()}) == 204
    assert old.report().status == 401
    new.key = NEW
    new.boot = 2
    assert new.report().status == 200
    world.close()


def test_who_changed_it_is_recorded_and_the_key_is_not(tmp_path: Path) -> None:
    world = World(tmp_path)
    put(world, {"key": NEW.hex()})
    record = world.api.get("/api/v1/audit", headers=world.bearer).get_data(as_text=True)
    assert "first" in record
    assert NEW.hex() not in record
    assert key_of("flat-1").hex() not in record
    world.close()


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/v1/boards/flat-9/key", {"key": NEW.hex()}, 404),
        (PATH, {"key": NEW.hex()[:-1]}, 400),
        (PATH, {"key": NEW.hex().replace("1", "x")}, 400),
        (PATH, {}, 400),
    ],
)
def test_what_is_refused(tmp_path: Path, path: str, body: dict[str, str], status: int) -> None:
    world = World(tmp_path)
    assert put(world, body, path) == status
    assert put(world, {"key": NEW.hex()}, Authorization="Bearer no") == 401
    assert world.board().report().status == 200
    world.close()
