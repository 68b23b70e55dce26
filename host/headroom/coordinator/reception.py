"""Whether a report may be accepted: signature, form, and place in the board's sequence."""

import re

from headroom.coordinator.configured import Configured
from headroom.protocol.messages import BOARD_ID_PATTERN, MalformedMessageError, Report
from headroom.protocol.problems import MALFORMED, REPLAYED, UNSIGNED, ProblemError
from headroom.protocol.signing import KEY_BYTES, verify_report
from headroom.site import Board
from headroom.store.boards import BoardRecord

# Stands in for the key of a board that does not exist, so that refusing it takes as long.
_NO_KEY = bytes(KEY_BYTES)
_BOARD_ID = re.compile(BOARD_ID_PATTERN)


def is_board_id(text: str) -> bool:
    """Whether the text can name a board at all."""
    return _BOARD_ID.fullmatch(text) is not None


def authenticate(
    record: BoardRecord | None, board_id: str, signature: str, body: bytes
) -> BoardRecord:
    """The board whose key signed this report; raises `unsigned`, whatever was wrong."""
    key = record.key if record else _NO_KEY
    if not verify_report(key, board_id, body, signature) or record is None:
        raise ProblemError(UNSIGNED, "no such board, or the signature is not of its key")
    return record


def read_report(configured: Configured, board: Board, body: bytes) -> tuple[Report, Board]:
    """The report in a signed body, and the board as it runs; raises `malformed` with key and
    value.
    """
    try:
        report = Report.decode(body)
    except MalformedMessageError as error:
        raise ProblemError(MALFORMED, str(error)) from error
    as_run = configured.board_of(board.id, len(report.circuits))
    if as_run is None:
        raise ProblemError(
            MALFORMED,
            f"circuits: the site gives this board {len(board.circuits)}, "
            f"got {len(report.circuits)}",
        )
    return report, as_run


def is_repeat(record: BoardRecord, report: Report, body: bytes) -> bool:
    """True for the last accepted report again, False for a newer one; raises `replayed`."""
    if report.pair > record.last_pair:
        return False
    if report.pair == record.last_pair and body == record.last_body:
        return True
    raise ProblemError(
        REPLAYED,
        f"boot {report.boot} seq {report.seq} is not above the last accepted "
        f"boot {record.last_pair[0]} seq {record.last_pair[1]}",
    )
