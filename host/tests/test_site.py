"""The site file: what is taken, and that each fault is told in one line with a way out."""

import time
from pathlib import Path
from typing import Any

import pytest
from headroom.site import SiteError, load_site, parse_site
from tests.support import site_document


def test_defaults() -> None:
    site = parse_site(site_document())
    circuit = site.boards[0].circuits[0]
    assert site.feeders[0].limit_ma == site.feeders[0].rating_ma == (25_000, 0, 0)
    assert (circuit.limit_ma, circuit.default, circuit.min_off_s) == (10_000, "on", 10)
    assert (site.boards[0].report_s, circuit.ct_ma_per_v) == (10, 30_000)


def _set(path: str, value: Any) -> dict[str, Any]:
    document = site_document()
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place: Any = document
    for part in parents:
        place = place[part]
    place[last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        ("feeders", [], "feeders: "),
        ("feeders.0.rating_ma", {"L4": 1}, "feeders[0].rating_ma: unknown phase L4"),
        ("feeders.0.limit_ma", {"L1": 26_000}, "feeders[0]: feeder riser L1: limit 26000 mA"),
        ("feeders.0.colour", "red", "feeders[0].colour: unknown key"),
        ("feeders.0.parent", "grid", "feeder riser: parent grid is not among riser"),
        ("feeders.0.parent", "riser", "feeder riser: parent riser hangs on it in turn; leave out"),
        ("feeders.0.meter", {"max_ma": {"L1": 1}, "rise_ma": {"L1": 2}}, "feeder riser L1: meter"),
        ("feeders.0.meter", {"max_ma": {"L1": 14_001}}, "feeder riser L1: safe limits of its"),
        ("boards.0.id", "Flat 1", "boards[0].id: "),
        ("boards.0.id", "flat-2", "board flat-2: the id is used more than once; rename one"),
        ("boards.0.feeder", "roof", "board flat-1: feeder roof is not among riser"),
        ("boards.0.safe_limit_ma", {"L1": 20_000}, "feeder riser L1: safe limits of its boards"),
        ("boards.0.timing", {"limit_s": 0}, "boards[0].timing.limit_s: "),
        ("boards.0.timing", {"boot_delay_s": [5, 2]}, "boards[0].timing: boot_delay_s: 5 is"),
        ("boards.0.timing", {"tick": 40}, "boards[0].timing.tick: unknown key"),
        ("boards.0.reset_wedged", 1, "boards[0].reset_wedged: "),
        ("boards.0.circuits", [], "boards[0].circuits: "),
        ("boards.0.circuits.0.phase", "L2", "board flat-1, circuit water heater: feeder riser"),
        ("boards.0.circuits.0.priority", 9, "boards[0].circuits[0].priority: "),
        ("boards.0.circuits.0.priority", "4", "boards[0].circuits[0].priority: "),
        ("boards.0.circuits.0.kind", "heater", "boards[0].circuits[0].kind: "),
        ("boards.0.circuits.0.limit_ma", 10_001, "boards[0].circuits[0]: circuit water heater"),
    ],
)
def test_fault_is_told_in_one_line(path: str, value: Any, line: str) -> None:
    with pytest.raises(SiteError) as caught:
        parse_site(_set(path, value))
    assert len(caught.value.lines) == 1
    assert caught.value.lines[0].startswith(line)
    assert "\n" not in caught.value.lines[0]


NESTED = [
    {"id": "main", "rating_ma": {"L1": 40_000, "L2": 40_000}, "uncontrolled_ma": {"L1": 2000}},
    {
        "id": "riser",
        "parent": "main",
        "rating_ma": {"L1": 25_000},
        "uncontrolled_ma": {"L1": 1000},
    },
]


def test_feeder_may_hang_on_another() -> None:
    site = parse_site(site_document() | {"feeders": NESTED})
    assert site.tree().chain_of("flat-1") == ("riser", "main")
    assert site.tree().uncontrolled_ma["main"] == (3000, 0, 0)


@pytest.mark.parametrize(
    ("feeder", "changes", "line"),
    [
        (0, {"rating_ma": {"L2": 1}}, "feeder riser: its parent main has no L1; give it"),
        (0, {"parent": "riser"}, "feeder main: parent riser hangs on it in turn"),
        (
            0,
            {"rating_ma": {"L1": 12_999}, "limit_ma": {"L1": 9000}},
            "feeder main L1: safe limits of its boards and uncontrolled load sum to 13000 mA, "
            "above the rating 12999 mA; lower safe_limit_ma or uncontrolled_ma by 1",
        ),
    ],
)
def test_fault_of_a_tree(feeder: int, changes: dict[str, Any], line: str) -> None:
    feeders = [dict(table) for table in NESTED]
    feeders[feeder] |= changes
    with pytest.raises(SiteError) as caught:
        parse_site(site_document() | {"feeders": feeders})
    assert caught.value.lines[0].startswith(line)


def test_every_fault_is_told_at_once() -> None:
    document = _set("boards.0.circuits.0.priority", 9)
    del document["boards"][1]["feeder"]
    with pytest.raises(SiteError) as caught:
        parse_site(document)
    assert len(caught.value.lines) == 2
    assert "boards[1].feeder: is missing" in caught.value.lines


@pytest.mark.parametrize("content", [None, b"[site", b"\xff"])
def test_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "site.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SiteError, match=r"site\.toml"):
        load_site(path)


def test_a_site_of_2000_boards_is_read_at_once() -> None:
    document = site_document(boards_count=2000)
    document["feeders"] += [
        {"id": f"house-{n}", "parent": "riser", "rating_ma": {"L1": 25_000}} for n in range(500)
    ]
    for number, board in enumerate(document["boards"]):
        board |= {"feeder": f"house-{number // 4}", "safe_limit_ma": {"L1": 10}}
    began_s = time.process_time()
    site = parse_site(document)
    # A sum over all boards for each feeder took 40 s.
    assert time.process_time() - began_s < 4
    assert len(site.boards) == 2000
