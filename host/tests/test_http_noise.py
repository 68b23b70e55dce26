"""Bytes that are hardly HTTP: the server answers with a listed problem or not at all, and goes on.

`make fuzz` sends many more, and others each time.
"""

import json
import socket
from collections.abc import Iterator

import pytest
from headroom.protocol import problems
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.api_server import served
from tests.support import FUZZ_EXAMPLES, World

_LINES = (
    b"PUT /api/v1/boards/flat-1/circuits/0/override HTTP/1.1",
    b"Host: 127.0.0.1",
    b"Content-Type: application/json",
    b"Content-Length: 28",
    b"",
    b'{"state":"off","until":null}',
)
_REQUEST = b"\r\n".join(_LINES)
_LISTED = {kind.uri for kind in problems.ALL}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """Where a server of the API listens."""
    world = World(tmp_path_factory.mktemp("noise"))
    with served(world) as url:
        host, _, port = url.removeprefix("http://").rpartition(":")
        yield host, int(port)
    world.close()


def send(address: tuple[str, int], data: bytes) -> list[tuple[int, bytes]]:
    """Status and body of each response to whatever is sent on one connection."""
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.makefile("rb").read()
    responses = []
    while answer:
        head, _, rest = answer.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        lengths = [line for line in lines if line.lower().startswith(b"content-length:")]
        length = int(lengths[0].split(b":")[1]) if lengths else len(rest)
        responses.append((int(lines[0].split(b" ")[1]), rest[:length]))
        answer = rest[length:]
    return responses


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        (b"Content-Length: 28", b"Content-Length: " + b"9" * 5000),
        (b"PUT /", b"PUT http://[/"),
    ],
)
def test_what_the_parser_stumbles_over_is_answered(
    address: tuple[str, int], part: bytes, instead: bytes
) -> None:
    [(status, body)] = send(address, _REQUEST.replace(part, instead))
    assert status == problems.BAD_REQUEST.status
    assert json.loads(body)["type"] == problems.BAD_REQUEST.uri


def mangled() -> st.SearchStrategy[bytes]:
    """A request with a piece of it replaced by bytes."""
    place = st.integers(0, len(_REQUEST))
    return st.builds(
        lambda start, end, piece: _REQUEST[:start] + piece + _REQUEST[max(start, end) :],
        place,
        place,
        st.binary(max_size=40),
    )


@settings(
    max_examples=FUZZ_EXAMPLES * 10 or 100,
    derandomize=not FUZZ_EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@example(b"GET / HTTP/1.1\r\n" + b"X: yy\r\n" * 2338 + b"\r\n")
@example(_REQUEST.replace(b"Content-Length: 28", b"Transfer-Encoding: gzip"))
@example(_REQUEST.replace(b"Content-Length: 28", b"Content-Length: 28\r\nContent-Length: 29"))
@example(_REQUEST.replace(b"Host: 127.0.0.1", b"Host: [::1"))
@given(data=mangled() | st.binary(min_size=1, max_size=200))
def test_noise_is_refused_as_such(address: tuple[str, int], data: bytes) -> None:
    for status, body in send(address, data):
        assert status != problems.INTERNAL.status
        if status >= 400:
            assert json.loads(body)["type"] in _LISTED
    assert [status for status, _ in send(address, b"GET /healthz HTTP/1.0\r\n\r\n")] == [421]
