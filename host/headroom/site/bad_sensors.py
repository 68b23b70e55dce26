"""Sensors without relay that a board cannot have, or that leave a feeder's load unknown."""

from collections.abc import Iterator

from headroom.phases import PHASES
from headroom.protocol.messages import MAX_CIRCUITS
from headroom.site.model import Board, Feeder, PlacedSensor, Site


def bad_sensors(site: Site) -> Iterator[str]:
    """Every fault as one line with a way out; feeders and boards hang on what is there."""
    for feeder in site.feeders:
        yield from _phases(feeder)
    inputs: dict[tuple[str, int], str] = {}
    for one in site.sensors:
        where = f"feeder {one.feeder} {one.phase}: meter.sensors"
        board = site.board(one.sensor.board)
        if board is None:
            known = ", ".join(board.id for board in site.boards)
            yield f"{where}: board {one.sensor.board} is not among {known}"
            continue
        yield from (f"{where}: {fault}" for fault in _placing(site, board, one))
        other = inputs.setdefault((board.id, one.sensor.channel), f"{one.feeder} {one.phase}")
        if other != f"{one.feeder} {one.phase}":
            yield (
                f"{where}: channel {one.sensor.channel} of board {board.id} is that of feeder "
                f"{other}; name another"
            )
    for board in site.boards:
        yield from _board(board, len(site.sensors_of(board.id)))


def _phases(feeder: Feeder) -> Iterator[str]:
    """A meter with sensors has one wherever there is something to measure, and nowhere else."""
    meter = feeder.meter
    if meter is None or not meter.sensors:
        return
    for phase, rating_ma, max_ma in zip(PHASES, feeder.rating_ma, meter.max_ma, strict=True):
        if phase in meter.sensors and not rating_ma:
            yield (
                f"feeder {feeder.id}: meter.sensors has {phase}, which the feeder has not; give "
                f"it a rating there or leave the sensor out"
            )
        elif phase in meter.sensors and not max_ma:
            yield (
                f"feeder {feeder.id} {phase}: meter.max_ma is 0; say what the load may be while "
                f"its sensor says nothing"
            )
        elif max_ma and phase not in meter.sensors:
            yield (
                f"feeder {feeder.id} {phase}: meter.max_ma is {max_ma} and no sensor measures "
                f"it; name one in meter.sensors or count the load in uncontrolled_ma"
            )


def _placing(site: Site, board: Board, one: PlacedSensor) -> Iterator[str]:
    sensor, meter = one.sensor, site.feeder(one.feeder).meter
    assert meter is not None
    if one.phase not in site.feeder(board.feeder).phases:
        yield (
            f"board {board.id} hangs on {board.feeder}, which has no {one.phase}; use a board "
            f"that has the phase"
        )
    circuits = board.circuits[sensor.channel : sensor.channel + 1]
    if any(circuit.sensor == "ct" for circuit in circuits):
        yield (
            f"channel {sensor.channel} of board {board.id} is the sensor of circuit "
            f"{circuits[0].name}; name one behind its circuits"
        )
    direct = [c.name for c in board.circuits if c.phase == one.phase and c.sensor == "ina226"]
    if direct:
        yield (
            f"circuit {direct[0]} of board {board.id} has direct current on {one.phase}, which "
            f"a sensor of alternating current cannot measure; use another board"
        )
    if meter.max_age_s <= board.report_s:
        yield (
            f"board {board.id} reports every {board.report_s} s, so no reading is younger than "
            f"meter.max_age_s {meter.max_age_s}; raise max_age_s or lower report_s"
        )


def _board(board: Board, sensors: int) -> Iterator[str]:
    channels = len(board.circuits) + sensors
    if sensors and channels > MAX_CIRCUITS:
        yield (
            f"board {board.id}: {len(board.circuits)} circuits and {sensors} sensors without "
            f"relay; a board has {MAX_CIRCUITS} in all"
        )
    elif sensors and channels * board.timing.tick_ms > 500:
        # As for circuits alone: a reading is believed for 500 ms.
        yield (
            f"board {board.id}: timing.tick_ms {board.timing.tick_ms}: with {channels} circuits "
            f"and sensors at most {500 // channels}"
        )
