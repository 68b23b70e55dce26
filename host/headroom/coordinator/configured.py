"""What the site wants its boards to be, and what they may still be by their flash; values only.

A board's configuration lies on the board itself, and what is changed of it reaches the board only
when that is provisioned again. Until then both count: both safe limits, on both feeders.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from headroom.allocation.book import LeaseBook
from headroom.allocation.tree import Leaf
from headroom.phases import PHASES
from headroom.protocol.messages import Report
from headroom.site import Board, Site
from headroom.site.on_board import OnBoard, on_board, with_priorities_of
from headroom.store.outdated_boards import Outdated


@dataclass(frozen=True)
class Configured:
    """A site, and what is known of boards that may run by an earlier configuration."""

    site: Site
    outdated: Mapping[str, Outdated] = field(default_factory=dict)

    def earlier_boards(self, board_id: str) -> tuple[Board, ...]:
        """The tables by which a board of the site may still run, the newest first."""
        known = self.outdated.get(board_id)
        board = self.site.board(board_id)
        if board is None or known is None:
            return ()
        return tuple(with_priorities_of(one.board, board) for one in reversed(known.tables))

    def board_of(self, board_id: str, circuits: int) -> Board | None:
        """The table by which a board with so many circuits runs; None if there is no such one.

        Feeder, safe limit and priorities are those of the site.
        """
        return next(iter(self.boards_of(board_id, circuits)), None)

    def boards_of(self, board_id: str, circuits: int) -> list[Board]:
        """Every table by which a board with so many circuits may run, the likeliest first."""
        board = self.site.board(board_id)
        if board is None:
            return []
        wanted = {"feeder": board.feeder, "safe_limit_ma": board.safe_limit_ma}
        earlier = (one.model_copy(update=wanted) for one in self.earlier_boards(board_id))
        return [one for one in (*earlier, board) if len(one.circuits) == circuits]

    def planned_board(self, board: Board) -> Board:
        """The table that a board's plan is made for, while nobody asks for it."""
        return next(iter(self.earlier_boards(board.id)), board)

    @property
    def earlier(self) -> dict[str, list[Leaf]]:
        """The earlier safe limits and feeders that count, by board."""
        return {
            board_id: [Leaf(one.feeder, one.safe_limit_ma) for one in boards]
            for board_id in self.outdated
            if (boards := self.earlier_boards(board_id))
        }

    def changed(
        self, site: Site, boots: Mapping[str, int], known: Mapping[str, Outdated]
    ) -> "Configured":
        """With another site; `boots` has the newest boot of every board that has a key, `known`
        what is stored of outdated ones.
        """
        outdated = dict(known)
        for board_id, boot in boots.items():
            tables = self._tables_on(board_id, known.get(board_id))
            after = site.board(board_id)
            same = self._on_board(board_id) == (on_board(site, after) if after else None)
            if same:
                continue
            outdated.pop(board_id, None)
            if tables and not (after and tables == (on_board(site, after),)):
                outdated[board_id] = Outdated(tables, boot, registered=False)
        return Configured(site, outdated)

    def without(self, board_id: str) -> "Configured":
        """Once a board has shown that it runs by what the site says."""
        return Configured(
            self.site, {one: known for one, known in self.outdated.items() if one != board_id}
        )

    def is_shown_by(self, report: Report, board: Board) -> bool:
        """Whether a report can be of what the site has: of a later start, its safe limit in force
        and that of the site.
        """
        known = self.outdated[board.id]
        return (
            report.boot > known.boot
            and report.lease_seq == 0
            and report.limit_ma == board.safe_limit_ma
            and len(report.circuits) == len(board.circuits)
        )

    @property
    def structure(self) -> object:
        """What leases hang on beside limits: who feeds whom, and what boards have without one."""
        feeders = {feeder.id: (feeder.parent, feeder.rating_ma) for feeder in self.site.feeders}
        earlier = self.earlier
        boards = {
            board: {leaf, *earlier.get(board, ())}
            for board, leaf in self.site.tree().boards.items()
        }
        return feeders, boards

    def hanging_on(self, feeder_id: str) -> list[str]:
        """Feeders and boards that hang on a feeder, or may still by their own flash; in words."""
        earlier = {
            board for board, of in self.earlier.items() if any(o.feeder == feeder_id for o in of)
        }
        boards = earlier | {board.id for board in self.site.boards_of(feeder_id)}
        feeders = [feeder.id for feeder in self.site.feeders if feeder.parent == feeder_id]
        return [*(f"feeder {one}" for one in feeders), *(f"board {one}" for one in sorted(boards))]

    def faults(self) -> Iterator[str]:
        """Feeders above their rating while boards are on the worst of their safe limits."""
        tree = self.site.tree()
        book = LeaseBook(tree, earlier=self.earlier)
        for feeder in self.site.feeders:
            sums_ma = book.committed_ma(feeder.id, 0.0)
            for phase, sum_ma, rating_ma in zip(PHASES, sums_ma, feeder.rating_ma, strict=True):
                if sum_ma > rating_ma:
                    yield (
                        f"feeder {feeder.id} {phase}: with the safe limits that "
                        f"{self._outdated_behind(feeder.id)} may still have, safe limits and "
                        f"uncontrolled load sum to {sum_ma} mA, above the rating {rating_ma} mA; "
                        f"provision these boards first"
                    )

    def _outdated_behind(self, feeder_id: str) -> str:
        chains = self.site.tree().chains
        behind = [
            board_id
            for board_id, leaves in self.earlier.items()
            if any(feeder_id in chains.get(leaf.feeder, chains) for leaf in leaves)
        ]
        return ", ".join(sorted(behind))

    def _on_board(self, board_id: str) -> OnBoard | None:
        board = self.site.board(board_id)
        return on_board(self.site, board) if board else None

    def _tables_on(self, board_id: str, known: Outdated | None) -> tuple[OnBoard, ...]:
        """What a board may have, of which this site is no news to it any more."""
        now = self._on_board(board_id)
        if known is None:
            return (now,) if now else ()
        # What was never put onto the board is not there.
        new = (now,) if now and known.registered and now not in known.tables else ()
        return (*known.tables, *new)
