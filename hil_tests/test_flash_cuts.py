"""Power goes at each program and each erase of whatever the node writes to flash: afterwards the
old content is there or the new one, whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from hil_tests.node_on_flash import FlashFiles, KeptMinutes, each_cut, node

pytestmark = [
    pytest.mark.virtual("power goes at each write of flash"),
    pytest.mark.requirement("flash"),
]

OLD_ORDERS, NEW_ORDERS = [(0, 0), (2, 1_790_000_000)], [(1, 1_790_009_999)]


def state(files: FlashFiles) -> Any:
    """What a start finds."""
    return node("storage").Storage(files, "/state.json")


def leave_blank(_files: FlashFiles) -> None:
    """A new board."""


def write_old(files: FlashFiles) -> None:
    """A board that has seen a start, an epoch and orders."""
    kept = state(files)
    kept.count_boot()
    kept.remember(3, OLD_ORDERS)


Kept = tuple[int, int, list[tuple[int, int]]]

CHANGES: dict[str, tuple[Callable[[Any], None], Kept, Kept]] = {
    "boot counter": (lambda kept: kept.count_boot(), (1, 3, OLD_ORDERS), (2, 3, OLD_ORDERS)),
    "epoch": (lambda kept: kept.remember(9), (1, 3, OLD_ORDERS), (1, 9, OLD_ORDERS)),
    "override": (
        lambda kept: kept.remember(3, NEW_ORDERS),
        (1, 3, OLD_ORDERS),
        (1, 3, NEW_ORDERS),
    ),
    "cancelled": (lambda kept: kept.remember(3, []), (1, 3, OLD_ORDERS), (1, 3, [])),
}


@pytest.mark.parametrize("what", CHANGES)
def test_state_is_the_old_or_the_new_after_each_cut(what: str) -> None:
    change, old, new = CHANGES[what]
    found = []
    for _, files in each_cut(write_old, lambda files: change(state(files))):
        kept = state(files)
        assert kept.damaged is None
        found.append((kept.boot, kept.epoch, kept.off))
    assert found[0] == old
    assert found[-1] == new
    assert [one for one in found if one not in (old, new)] == []
    # Once it is the new one it stays so.
    assert found == sorted(found, key=lambda one: one != old)
    print(f"{what}: {len(found) - 1} cuts")


def test_a_first_start_without_a_state_can_be_cut_anywhere() -> None:
    found = [
        (state(files).damaged, state(files).boot)
        for _, files in each_cut(leave_blank, lambda files: state(files).count_boot())
    ]
    assert set(found) == {(None, 0), (None, 1)}


def test_the_configuration_is_the_old_or_the_new_after_each_cut() -> None:
    replace = node("storage").replace
    old, new = ({"id": f"flat-{i}", "filler": "x" * 700 * i} for i in (1, 2))
    found = []
    for _, files in each_cut(
        lambda files: replace(files, "/config.json", json.dumps(old)),
        lambda files: replace(files, "/config.json", json.dumps(new)),
    ):
        with files.open("/config.json") as file:
            found.append(json.loads(file.read()))
    assert found[0] == old
    assert found[-1] == new
    assert [one for one in found if one not in (old, new)] == []
    print(f"configuration: {len(found) - 1} cuts")


def test_a_calibration_is_the_old_or_the_new_after_each_cut() -> None:
    calibrate = node("calibrate")
    found = []
    for _, files in each_cut(
        lambda files: calibrate._write(files, {"Ct 0": [30_000, 31_000, -20, 0]}),
        lambda files: calibrate._write(files, {"Ct 0": [30_000, 32_000, 0, -1]}),
    ):
        circuit = {"sensor": "ct", "channel": 0, "ct_ma_per_v": 30_000}
        assert calibrate.apply([circuit], files) == []
        found.append((circuit["scale_ma"], circuit["offset_ma"], circuit["spiky_ms"]))
    assert found[0] == (31_000, -20, 0)
    assert found[-1] == (32_000, 0, -1)
    assert set(found) == {found[0], found[-1]}
    print(f"calibration: {len(found) - 1} cuts")


def test_the_flag_of_maintenance_is_there_or_not_after_each_cut_and_all_else_stays() -> None:
    """The order for it, and a person who removes it."""
    request_maintenance = node("storage").request_maintenance

    def ordered(files: FlashFiles) -> None:
        write_old(files)
        request_maintenance(files)

    for before, act, was_there in (
        (write_old, request_maintenance, False),
        (ordered, lambda files: files.remove("/maintenance"), True),
    ):
        found = []
        for _, files in each_cut(before, act):
            found.append("maintenance" in files.names("/"))
            kept = state(files)
            assert (kept.damaged, kept.boot, kept.off) == (None, 1, OLD_ORDERS)
        assert (found[0], found[-1]) == (was_there, not was_there)
        # Once it has changed it stays so.
        assert found == sorted(found, reverse=was_there)
        print(f"maintenance: {len(found) - 1} cuts")


def two_blocks(files: FlashFiles) -> None:
    """A board that was without a coordinator for half an hour."""
    KeptMinutes(files).run(28)


OF_FIRST_BOOT = [(1, minute) for minute in range(28)]


def test_a_block_is_there_whole_or_not_at_all_after_each_cut() -> None:
    found = []
    for _, files in each_cut(two_blocks, lambda files: KeptMinutes(files).run(14)):
        kept = KeptMinutes(files)
        delivered = kept.deliver()
        assert delivered[:28] == OF_FIRST_BOOT
        assert delivered[28:] in ([], [(2, minute) for minute in range(14)])
        assert kept.minutes.lost == 0
        assert files.names("/journal") == []
        found.append(len(delivered))
    assert (found[0], found[-1]) == (28, 42)
    print(f"journal, a block: {len(found) - 1} cuts")


def test_what_was_acknowledged_comes_again_or_not_and_nothing_else_goes() -> None:
    def acknowledge_the_first_block(files: FlashFiles) -> None:
        assert KeptMinutes(files).deliver(most=14) == OF_FIRST_BOOT[:14]

    found = []
    for _, files in each_cut(two_blocks, acknowledge_the_first_block):
        kept = KeptMinutes(files)
        delivered = kept.deliver()
        assert delivered in (OF_FIRST_BOOT, OF_FIRST_BOOT[14:])
        assert kept.minutes.lost == 0
        found.append(len(delivered))
    assert (found[0], found[-1]) == (28, 14)
    print(f"journal, a removal: {len(found) - 1} cuts")


def test_a_full_ring_goes_on_after_each_cut() -> None:
    """A new block takes the place of the oldest, which is lost; no cut takes more."""
    every = [(1, minute) for minute in range(14 * 56)]
    for _, files in each_cut(
        lambda files: KeptMinutes(files).run(14 * 56), lambda files: KeptMinutes(files).run(14)
    ):
        delivered = KeptMinutes(files).deliver()
        new = [(2, minute) for minute in range(14)]
        assert delivered in (every, every[14:], every[14:] + new)
