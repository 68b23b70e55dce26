"""Who writes much does not keep others from writing."""

import threading
from contextlib import closing
from pathlib import Path

from headroom.store import open_store
from tests.support import sqlite_url

WITHIN_S = 10.0


def test_who_wrote_last_stands_behind_who_waits(tmp_path: Path) -> None:
    order: list[str] = []
    with closing(open_store(sqlite_url(tmp_path))) as store:

        def write() -> None:
            with store.write():
                order.append("other")

        for _ in range(20):
            other = threading.Thread(target=write)
            with store.write():
                other.start()
                while not store._next_in_line.locked():
                    assert other.is_alive()
            with store.write():
                order.append("again")
            other.join(WITHIN_S)
    assert order == ["other", "again"] * 20
