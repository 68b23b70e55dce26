"""How much flash the node wears out, counted on the virtual flash."""

from __future__ import annotations

import pytest

from boards.virtual.flash import FILES_SECTORS, Flash
from hil_tests.node_on_flash import FlashFiles, KeptMinutes, node

pytestmark = [
    pytest.mark.virtual("erases are counted by the flash chip itself"),
    pytest.mark.requirement("flash"),
]

ENDURANCE = 100_000  # erases that a sector of a 25-series chip bears, as its makers state
DAYS = 20
MINUTES_A_DAY = 24 * 60


def years(flash: Flash, days: float) -> float:
    """Until the sector that is erased most has been erased as often as it bears."""
    return ENDURANCE / (max(flash.wear.of_sector.values()) / days) / 365


def test_an_outage_without_end_wears_the_flash_for_decades() -> None:
    """The worst there is: every minute of every day goes to flash and is removed again."""
    flash = Flash()
    kept = KeptMinutes(FlashFiles(flash))
    kept.run(14 * 56)  # from here on the ring is full
    flash.wear.erases = 0
    flash.wear.of_sector.clear()
    kept.run(DAYS * MINUTES_A_DAY)
    erases = flash.wear.erases / DAYS
    hottest = max(flash.wear.of_sector.values()) / DAYS
    lasts = years(flash, DAYS)
    print(
        f"without a coordinator: {MINUTES_A_DAY / 14:.0f} blocks and {erases:.0f} erases a day, "
        f"on {len(flash.wear.of_sector)} of {FILES_SECTORS} sectors; the one erased most "
        f"{hottest:.1f} times a day: {lasts:.0f} years to {ENDURANCE} erases"
    )
    assert erases <= 400
    assert lasts >= 20
    assert kept.minutes.lost == (DAYS * MINUTES_A_DAY // 14) * 14


def test_a_coordinator_that_answers_costs_no_write() -> None:
    flash = Flash()
    kept = KeptMinutes(FlashFiles(flash))
    operations = flash.wear.operations
    for _ in range(MINUTES_A_DAY // 5):
        kept.run(5)
        kept.deliver()
    print(f"with a coordinator: {flash.wear.operations - operations} operations in a day")
    assert flash.wear.operations == operations


def test_a_start_or_an_order_a_quarter_of_an_hour_wears_the_flash_for_decades() -> None:
    flash = Flash()
    files = FlashFiles(flash)
    kept = node("storage").Storage(files, "/state.json")
    kept.count_boot()
    flash.wear.of_sector.clear()
    writes = DAYS * 96
    for number in range(writes):
        kept.remember(1, [(number % 4, number)])
    lasts = years(flash, DAYS)
    print(f"96 starts or orders a day: {lasts:.0f} years to {ENDURANCE} erases of one sector")
    assert lasts >= 20
