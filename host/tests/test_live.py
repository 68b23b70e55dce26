"""The stream of the live state: what comes when, to whom, and that it takes nobody's thread."""

import http.client
import json
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from headroom.protocol.problems import ProblemError
from headroom.store import StoreUnavailableError
from headroom.web.live import (
    MOST_STREAMS,
    MOST_STREAMS_EACH,
    QUIET_S,
    SLOW_S,
    LiveHub,
    OpenResponse,
)
from headroom.web.live_api import TAKE_OVER
from tests.api_server import listening
from tests.server_process import Server, prepare, run_headroom, serving
from tests.support import VirtualClock, World


class Reader:
    """A client of the hub; one that is behind has not read what it was told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []
        self.is_behind = False
        self.is_gone = False
        self.ended = False

    def write(self, chunk: bytes) -> bool:
        """See OpenResponse."""
        assert not self.is_behind, "more than one event waits for its reader"
        self.events.append(parsed(chunk.decode()))
        return not self.is_gone

    def end(self) -> None:
        """See OpenResponse."""
        self.ended = True


class Watched:
    """A hub over a state that tests change, in virtual time and without its thread."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.state: dict[str, Any] = {"unix_s": 0, "feeders": [], "boards": [], "epoch": 1}
        self.failure: Exception | None = None
        self.runs: list[Callable[[], None]] = []
        self.hub = LiveHub(self.render, self.clock.monotonic_s, start=self.runs.append)

    def render(self) -> dict[str, Any]:
        """The state, or the failure to read it."""
        if self.failure:
            raise self.failure
        return self.state | {"unix_s": self.clock.unix_s()}

    def watch(self, reader: Reader, may_go_on: bool = True, who: str = "somebody") -> Reader:
        """Have a reader watch that was told the newest state."""
        self.hub.keep(reader, self.hub.begin(who), lambda: may_go_on)
        return reader

    def report(self, board_id: str, current_ma: int) -> None:
        """Have a board tell another current; a new one makes another site."""
        others = [board for board in self.state["boards"] if board["id"] != board_id]
        board = {"id": board_id, "age_s": 0, "current_ma": current_ma}
        boards = sorted([*others, board], key=lambda board: board["id"])
        self.state = self.state | {"boards": boards}

    def step(self, seconds: float) -> None:
        """Let time pass, and the hub do its round."""
        self.clock.advance(seconds)
        self.hub.step()


def parsed(event: str) -> tuple[str, Any]:
    """Kind and document of a server-sent event."""
    fields = dict(line.split(": ", 1) for line in event.strip().split("\n"))
    return fields["event"], json.loads(fields["data"])


def id_of(event: bytes) -> str:
    """By which a client says later what it has heard."""
    [line] = [line for line in event.decode().split("\n") if line.startswith("id: ")]
    return line.removeprefix("id: ")


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
    assert [(kind, change["epoch"]) for kind, change in reader.events] == [("change", 2)]


def test_only_the_board_that_is_new_is_told(watched: Watched) -> None:
    for number in range(3):
        watched.report(f"flat-{number}", 100)
    reader = watched.watch(Reader())
    watched.report("flat-1", 200)
    watched.step(1)
    [(kind, change)] = reader.events
    assert kind == "change"
    assert [board["id"] for board in change["boards"]] == ["flat-1"]
    assert set(change) == {"unix_s", "feeders", "boards"}


def test_another_board_makes_another_site_and_all_of_it_is_told(watched: Watched) -> None:
    watched.report("flat-1", 100)
    reader = watched.watch(Reader())
    watched.report("flat-2", 100)
    watched.step(1)
    [(kind, state)] = reader.events
    assert (kind, len(state["boards"])) == ("state", 2)


def test_who_comes_again_goes_on_where_they_were(watched: Watched) -> None:
    watched.report("flat-1", 100)
    watched.report("flat-2", 100)
    first = watched.hub.begin("somebody")
    watched.clock.advance(1)
    watched.report("flat-2", 200)
    kind, change = parsed(watched.hub.begin("somebody", id_of(first.event)).event.decode())
    assert (kind, [board["id"] for board in change["boards"]]) == ("change", ["flat-2"])


@pytest.mark.parametrize("last", ["", "x", "-1", "{run}-99", "{run}-0", "{run}-²", "other-1"])
def test_who_heard_nothing_of_this_start_is_told_everything(watched: Watched, last: str) -> None:
    run_id = id_of(watched.hub.begin("somebody").event).partition("-")[0]
    kind, _ = parsed(watched.hub.begin("somebody", last.format(run=run_id)).event.decode())
    assert kind == "state"


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
    assert kinds == ["problem", "change"]
    assert reader.events[0][1]["type"].endswith("/store-unavailable")


def test_what_changed_before_a_problem_is_told_after_it(watched: Watched) -> None:
    reader = watched.watch(Reader())
    reader.is_behind = True
    watched.state = watched.state | {"epoch": 2}
    watched.step(1)
    reader.is_behind = False
    watched.failure = StoreUnavailableError("the disk is gone")
    watched.step(1)
    watched.failure = None
    watched.step(1)
    assert [kind for kind, _ in reader.events] == ["problem", "change"]
    assert reader.events[1][1]["epoch"] == 2


def test_who_reads_slowly_is_told_at_once_what_was_missed(watched: Watched) -> None:
    slow, quick = watched.watch(Reader()), watched.watch(Reader())
    slow.is_behind = True
    for epoch in range(2, 6):
        watched.state = watched.state | {"epoch": epoch, f"key_{epoch}": epoch}
        watched.step(1)
    assert (len(slow.events), len(quick.events)) == (0, 4)
    slow.is_behind = False
    watched.step(1)
    [(_, state)] = slow.events
    assert (state["epoch"], state["key_2"]) == (5, 2)


def test_who_does_not_read_is_left_and_others_go_on(watched: Watched) -> None:
    stuck, quick = watched.watch(Reader()), watched.watch(Reader())
    stuck.is_behind = True
    for _ in range(round(SLOW_S / QUIET_S)):
        watched.step(QUIET_S)
    assert (stuck.ended, quick.ended) == (True, False)
    assert len(quick.events) == SLOW_S / QUIET_S


def test_who_is_gone_is_forgotten(watched: Watched) -> None:
    gone = watched.watch(Reader())
    gone.is_gone = True
    assert watched.hub.step()
    watched.clock.advance(QUIET_S)
    assert not watched.hub.step()


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
    for number in range(MOST_STREAMS):
        watched.watch(Reader(), who=f"person {number}")
    with pytest.raises(ProblemError) as refused:
        watched.hub.begin("one more")
    assert refused.value.kind.slug == "too-many-streams"


def test_nobody_takes_the_streams_of_all(watched: Watched) -> None:
    begun = watched.hub.begin("greedy")
    for _ in range(MOST_STREAMS_EACH):
        watched.watch(Reader(), who="greedy")
    with pytest.raises(ProblemError, match="streams of greedy") as refused:
        watched.hub.begin("greedy")
    assert refused.value.kind.slug == "too-many-streams"
    late = Reader()
    watched.hub.keep(late, begun, lambda: True)
    assert late.ended
    watched.watch(Reader(), who="modest")


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
    lines: list[str] = []
    while not lines or lines[-1] != "\n":
        lines.append(stream.readline().decode())
        assert lines[-1], "the stream has ended"
    return parsed("".join(lines))


def test_streams_take_no_thread_from_the_api_and_all_hear_of_a_report(server: Server) -> None:
    with ExitStack() as stack:
        streams = [stack.enter_context(streaming(server)) for _ in range(MOST_STREAMS_EACH)]
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


def test_a_stream_goes_on_after_the_last_event_that_was_heard(server: Server) -> None:
    assert server.board("flat-1").report().status == 200
    with streaming(server) as stream:
        lines = list(iter(stream.readline, b"\n"))
    assert server.board("flat-2").report().status == 200
    with streaming(server, **{"Last-Event-ID": id_of(b"".join(lines))}) as stream:
        kind, change = next_event(stream)
        while kind == "change" and not change["boards"]:  # looked at before the report
            kind, change = next_event(stream)
    assert (kind, [board["id"] for board in change["boards"]]) == ("change", ["flat-2"])


@contextmanager
def taken_over() -> Iterator[tuple[socket.socket, OpenResponse]]:
    """A client, and the response to it, which stays open."""
    responses: queue.Queue[OpenResponse] = queue.Queue()

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        environ[TAKE_OVER] = responses.put
        start_response("200 OK", [])
        return iter([b"begun"])

    with (
        listening(app) as address,
        socket.create_connection((address.host, address.port)) as client,
    ):
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        yield client, responses.get(timeout=10)


def test_a_response_knows_whether_its_client_reads() -> None:
    with taken_over() as (client, response):
        while not response.is_behind:  # what the kernel takes is limited
            response.write(bytes(1 << 20))
        client.settimeout(0.1)
        while response.is_behind:
            with suppress(TimeoutError):  # the last piece is counted after it has come
                assert client.recv(1 << 20)
        client.settimeout(10)
        response.end()
        while client.recv(1 << 20):
            pass
        assert not response.is_behind
        assert not response.write(b"more")


def test_an_event_longer_than_a_server_buffers_blocks_nobody() -> None:
    with taken_over() as (client, response):
        watched = Watched()
        watched.hub.keep(response, watched.hub.begin("anna"), lambda: True)
        quick = watched.watch(Reader())
        for epoch in (2, 3):
            watched.state = watched.state | {"epoch": epoch, f"words_{epoch}": "x" * (20 << 20)}
            step = threading.Thread(target=watched.step, args=[1], daemon=True)
            step.start()
            step.join(20)
            assert not step.is_alive()
            assert len(quick.events) == epoch - 1
        assert response.is_behind
        response.end()
        client.settimeout(10)
        while client.recv(1 << 20):
            pass
