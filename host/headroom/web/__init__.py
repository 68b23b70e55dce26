"""HTTP: the board endpoint, the API, the page and metrics. Validates, calls, renders; no rules."""

from headroom.web.api_app import api_app
from headroom.web.board_app import board_app

__all__ = ["api_app", "board_app"]
