"""HTTP: the board endpoint, the API, the page and metrics. Validates, calls, renders; no rules."""

from headroom.web.api_app import api_app
from headroom.web.board_app import BoardApp

__all__ = ["BoardApp", "api_app"]
