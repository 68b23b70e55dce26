"""Whatever arrives at the board endpoint: refused as the sender's fault, or accepted whole.

`make fuzz` sends many more, and others each time.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from headroom.protocol.messages import Report
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.board_client import BoardClient
from tests.support import FUZZ_EXAMPLES, World, key_of
from werkzeug.test import Client

SHARED = settings(
    max_examples=FUZZ_EXAMPLES * 20 or 150,
    derandomize=not FUZZ_EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
REPORT = json.loads(BoardClient("flat-1", bytes(32), lambda *_: (0, "", b"")).body())
# boot, seq, and something else that differs.
_PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(0, 1))
# Deeper than a parser may recurse, larger than a number may be, and what is no JSON at all.
TRICKS = [
    b"[" * 1536,
    b'{"boot":' * 190,
    b'{"boot":1e400}',
    b'{"boot":' + b"9" * 1400 + b"}",
    b'{"seq":-0.0,"boot":NaN}',
    b'{"seq":Infinity}',
    b'{"fw":"\\ud800"}',
    b'{"fw":"\xed\xa0\x80"}',
    b"\xef\xbb\xbf{}",
    "{}".encode("utf-16"),
    b'{"v":1,"v":1}',
    b"\x00" * 1536,
    b"null",
    b" " * 1536,
]


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


@pytest.mark.parametrize("body", TRICKS, ids=range(len(TRICKS)))
def test_signed_tricks_of_parsers_are_malformed(shared_world: World, body: bytes) -> None:
    refusal = shared_world.board().send(body)
    assert (refusal.status, refusal.signed) == (400, True)


@SHARED
@given(key=st.sampled_from(sorted(REPORT)), value=json_values)
def test_one_wrong_value_is_never_an_error_of_ours(
    shared_world: World, key: str, value: object
) -> None:
    body = json.dumps(REPORT | {"boot": 1, "seq": 1, key: value}).encode()[:1536]
    response = shared_world.board().send(body)
    assert response.status in (200, 400, 409)
    assert response.signed


@st.composite
def changed_reports(draw: st.DrawFn) -> dict[str, Any]:
    """A report with some values replaced, at any depth, some keys gone and some of its own."""
    document: dict[str, Any] = json.loads(json.dumps(REPORT))
    for _ in range(draw(st.integers(1, 4))):
        inner: Any = document
        key: Any = draw(st.sampled_from(sorted(document)))
        while isinstance(inner[key], list) and inner[key] and draw(st.booleans()):
            inner, key = inner[key], draw(st.integers(0, len(inner[key]) - 1))
        inner[key] = draw(st.integers(-(2**31), 2**31) | json_values)
        if draw(st.integers(0, 9)) == 0:
            document[draw(st.text(max_size=5))] = draw(json_values)
        document.setdefault("boot", 1)
    return document


@SHARED
@given(document=changed_reports(), seq=st.integers(1, 2**30 - 1))
def test_what_is_accepted_has_the_form_and_what_is_refused_changes_nothing(
    shared_world: World, document: dict[str, Any], seq: int
) -> None:
    before = shared_world.rows("reports")
    body = json.dumps({"seq": seq} | document).encode()[:1536]
    response = shared_world.board().send(body)
    accepted = shared_world.rows("reports") - before
    assert response.signed
    if response.status == 200:
        Report.decode(body)
    else:
        assert (response.status in (400, 409), accepted) == (True, 0)


@SHARED
@given(
    cut=st.integers(0, 400),
    length=st.integers(0, 4),
    inserted=st.binary(max_size=4),
    data=st.data(),
)
def test_a_body_that_was_changed_on_its_way_is_refused(
    shared_world: World, cut: int, length: int, inserted: bytes, data: st.DataObject
) -> None:
    board = shared_world.board(boot=data.draw(st.integers(1, 2**30 - 1)))
    body = board.body(seq=1)
    changed = body[:cut] + inserted + body[cut + length :]
    if changed in (body, b""):
        return
    before = shared_world.rows("reports")
    response = board.send(changed, board.sign(body))
    assert (response.status, response.signed) == (401, False)
    assert shared_world.rows("reports") == before


@SHARED
@given(forged=st.text("0123456789abcdefABCDEF \x7f", max_size=70), board=st.booleans())
def test_a_forged_signature_is_refused(shared_world: World, forged: str, board: bool) -> None:
    client = shared_world.board("flat-1", boot=2**29)
    body = client.body(seq=1)
    signature = (
        forged if board else BoardClient("flat-1", key_of("flat-2"), client.post).sign(body)
    )
    before = shared_world.rows("reports")
    assert client.send(body, signature).status == 401
    assert shared_world.rows("reports") == before


@SHARED
@given(pairs=st.lists(_PAIRS, max_size=6))
def test_only_what_is_newer_is_accepted_and_the_newest_again_is_answered(
    shared_world: World, pairs: list[tuple[int, int, int]]
) -> None:
    """Against a model: the last accepted (boot, seq) and its body."""
    with shared_world.store.write() as db:
        db.exec_driver_sql("UPDATE boards SET last_boot=0, last_seq=0, last_body=NULL")
        db.exec_driver_sql("DELETE FROM reports")
    newest, stored = (0, 0, b""), 0
    for boot, seq, up_s in pairs:
        board = shared_world.board(boot=boot)
        body = board.body(seq=seq, up_s=up_s)
        newer = (boot, seq) > newest[:2]
        status = board.send(body).status
        assert status == (200 if newer or (boot, seq, body) == newest else 409)
        newest, stored = ((boot, seq, body), stored + 1) if newer else (newest, stored)
    assert shared_world.rows("reports") == stored


@SHARED
@given(
    body=st.binary(min_size=1, max_size=1600),
    path=st.text(max_size=40),
    signature=st.text(max_size=70),
)
def test_unsigned_noise_on_any_path_is_refused(
    shared_world: World, body: bytes, path: str, signature: str
) -> None:
    client = Client(shared_world.board_app)
    header = signature.encode("ascii", "ignore").decode().replace("\r", "").replace("\n", "")
    response = client.post(
        f"/api/v1/boards/{path}/reports", data=body, headers={"Headroom-Signature": header}
    )
    assert response.status_code in (401, 404, 405, 413)
