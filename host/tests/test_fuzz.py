"""Whatever arrives at the board endpoint: refused as the sender's fault, or accepted whole."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.board_client import BoardClient
from tests.support import World

SHARED = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
REPORT = json.loads(BoardClient("flat-1", bytes(32), lambda *_: (0, "", b"")).body())


@pytest.fixture(scope="module")
def shared_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("fuzz")
    made = World(folder)
    yield made
    made.close()


@SHARED
@given(body=st.binary(min_size=1, max_size=1536))
def test_signed_noise_is_malformed(shared_world: World, body: bytes) -> None:
    refusal = shared_world.board().send(body)
    assert refusal.status == 400
    assert refusal.signed


@SHARED
@given(key=st.sampled_from(sorted(REPORT)), value=json_values)
def test_one_wrong_value_is_never_an_error_of_ours(
    shared_world: World, key: str, value: object
) -> None:
    body = json.dumps(REPORT | {"boot": 1, "seq": 1, key: value}).encode()[:1536]
    response = shared_world.board().send(body)
    assert response.status in (200, 400, 409)
    assert response.signed


@SHARED
@given(
    body=st.binary(min_size=1, max_size=1600),
    path=st.text(max_size=40),
    signature=st.text(max_size=70),
)
def test_unsigned_noise_on_any_path_is_refused(
    shared_world: World, body: bytes, path: str, signature: str
) -> None:
    client = shared_world.board_app.test_client()
    header = signature.encode("ascii", "ignore").decode().replace("\r", "").replace("\n", "")
    response = client.post(
        f"/api/v1/boards/{path}/reports", data=body, headers={"Headroom-Signature": header}
    )
    assert response.status_code in (308, 401, 404, 405, 413)
