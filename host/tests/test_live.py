"""The stream of the live state: what comes when, to whom, and that it takes nobody's thread."""

import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from headroom.protocol.problems import ProblemError
from headroom.store import StoreUnavailableError
from headroom.web.live import MOST_STREAMS, QUIET_S, LiveHub
from tests.server_process import Server, prepare, run_headroom, serving
from tests.support import VirtualClock, World


class Reader:
    """A client of the hub that has room for so many events."""

    def __init__(self, room: int = 100) -> None:
        self.room = room
        self.events: list[tuple[str, Any]] = []
        self.ended = False

    def write(self, chunk: bytes) -> bool:
        """See OpenResponse."""
        if len(self.events) == self.room:
            return False
        self.events.append(parsed(chunk.decode()))
        return True

    def end(self) -> None:
        """See OpenResponse."""
        self.ended = True


class Watched:
    """A hub over a state that tests change, in virtual time and without its thread."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.state: dict[str, Any] = {"unix_s": 0, "boards": [], "epoch": 1}
        self.failure: Exception | None = None
        self.runs: list[Callable[[], None]] = []
        self.hub = LiveHub(self.render, self.clock.monotonic_s, start=self.runs.append)

    def render(self) -> dict[str, Any]:
        """The state, or the failure to read it."""
        if self.failure:
            raise self.failure
        return self.state | {"unix_s": self.clock.unix_s()}

    def watch(self, reader: Reader, may_go_on: bool = True) -> Reader:
        """Have a reader watch that was told the newest state."""
        self.hub.keep(reader, self.hub.newest().version, lambda: may_go_on)
        return reader

    def step(self, seconds: float) -> None:
        """Let time pass, and the hub do its round."""
        self.clock.advance(seconds)
        self.hub.step()


def parsed(event: str) -> tuple[str, Any]:
    """Kind and document of a server-sent event."""
    kind, data = event.strip().split("\n")
    return kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_a_change_is_told_once_and_the_passing_of_time_is_none(watched: Watched) -> None:
    reader = watched.watch(Reader())
    watched.step(1)
    assert reader.events == []
    watched.state = watched.state | {"epoch": 2}
    watched.step(1)
    watched.step(1)
    assert [(kind, state["epoch"]) for kind, state in reader.events] == [("state", 2)]


def test_changes_are_looked_for_at_most_twice_a_second(watched: Watched) -> None:
    reader = watched.watch(Reader())
    for epoch in range(2, 12):
        watched.state = watched.state | {"epoch": epoch}
        watched.step(0.1)
    assert len(reader.events) == 2


def test_what_does_not_change_is_told_again(watched: Watched) -> None:
    reader = watched.watch(Reader())
    watched.step(QUIET_S)
    assert len(reader.events) == 1
    assert reader.events[0][1]["unix_s"] == watched.clock.unix_s()


def test_a_store_that_cannot_be_read_is_told_and_its_return_too(watched: Watched) -> None:
    reader = watched.watch(Reader())
    watched.failure = StoreUnavailableError("the disk is gone")
    watched.step(1)
    watched.failure = None
    watched.step(1)
    kinds = [kind for kind, _ in reader.events]
    assert kinds == ["problem", "state"]
    assert reader.events[0][1]["type"].endswith("/store-unavailable")


def test_who_reads_too_slowly_is_left_and_others_go_on(watched: Watched) -> None:
    slow, quick = watched.watch(Reader(room=1)), watched.watch(Reader())
    for _ in range(3):
        watched.step(QUIET_S)
    assert (len(slow.events), len(quick.events)) == (1, 3)


def test_who_may_no_longer_read_is_cut_off(watched: Watched) -> None:
    reader = watched.watch(Reader(), may_go_on=False)
    watched.step(QUIET_S)
    assert reader.ended
    assert reader.events == []


def test_a_fault_of_ours_ends_the_streams_and_the_next_one_is_served(watched: Watched) -> None:
    cut = watched.watch(Reader())
    watched.failure = RuntimeError("a fault")
    watched.clock.advance(1)
    with pytest.raises(RuntimeError):
        watched.runs.pop()()
    assert cut.ended
    watched.failure = None
    reader = watched.watch(Reader())
    assert len(watched.runs) == 1
    watched.step(QUIET_S)
    assert len(reader.events) == 1


def test_so_many_streams_and_no_more(watched: Watched) -> None:
    for _ in range(MOST_STREAMS):
        watched.watch(Reader())
    with pytest.raises(ProblemError) as refused:
        watched.hub.newest()
    assert refused.value.kind.slug == "too-many-streams"


def test_any_other_server_gets_one_event_for_a_request(world: World) -> None:
    world.board().report()
    response = world.api.get("/api/v1/live")
    assert response.mimetype == "text/event-stream"
    kind, state = parsed(response.text)
    assert kind == "state"
    assert state == world.state()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    prepare(tmp_path)
    with serving(tmp_path) as running:
        yield running


@contextmanager
def streaming(server: Server, **headers: str) -> Iterator[http.client.HTTPResponse]:
    """An open stream of a server."""
    address = server.page.removeprefix("http://").rstrip("/")
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.request("GET", "/api/v1/live", headers=headers)
    response = connection.getresponse()
    assert response.status == 200
    yield response
    connection.close()


def next_event(stream: http.client.HTTPResponse) -> tuple[str, Any]:
    """The next event of an open stream; raises at its end."""
    lines = [stream.readline().decode() for _ in range(3)]
    return parsed("".join(lines))


def test_streams_take_no_thread_from_the_api_and_all_hear_of_a_report(server: Server) -> None:
    with ExitStack() as stack:
        streams = [stack.enter_context(streaming(server)) for _ in range(MOST_STREAMS)]
        assert all(next_event(stream)[1]["boards"][0]["reports"] == 0 for stream in streams)
        assert server.board("flat-1").report().status == 200
        assert server.get("api/v1/boards")["boards"][0]["reports"] == 1
        for stream in streams:
            assert next_event(stream)[1]["boards"][0]["reports"] == 1


def test_a_revoked_token_ends_its_stream(server: Server, tmp_path: Path) -> None:
    token = Path(server.token_file).read_text().strip()
    with streaming(server, Authorization=f"Bearer {token}") as stream:
        next_event(stream)
        data = str(tmp_path / "data")
        assert run_headroom("token", "revoke", "first", "--data", data).returncode == 0
        revoked_unix_s = time.time()
        for line in stream:
            if line.startswith(b"data: "):
                told_unix_s = json.loads(line.removeprefix(b"data: "))["unix_s"]
                assert told_unix_s < revoked_unix_s + 2 * QUIET_S


def test_server_with_open_streams_stops_at_once(server: Server) -> None:
    with streaming(server) as stream:
        next_event(stream)
        server.process.terminate()
        assert server.process.wait(timeout=5) == 0
