"""A running server makes series by itself, and ends with all it does when told to."""

import time
from pathlib import Path

from tests.server_process import prepare, serving
from tests.support import VirtualClock, World

_WITHIN_S = 30


def test_a_server_makes_series_of_what_came_before_its_start(tmp_path: Path) -> None:
    prepare(tmp_path)
    an_hour_ago = int(time.time()) - 3600
    world = World(tmp_path / "data", clock=VirtualClock(date_s=an_hour_ago))
    world.board().report(circuits=[[2500, 20, "ok", 1, "default"]])
    world.close()
    path = f"api/v1/boards/flat-1/circuits/0/series?start={an_hour_ago}&end={an_hour_ago + 1}"
    with serving(tmp_path) as server:
        end_s = time.monotonic() + _WITHIN_S
        while server.get(path)["points"][0]["mean_ma"] != 2500:
            assert time.monotonic() < end_s
        server.process.terminate()
        assert server.process.wait(_WITHIN_S) == 0
