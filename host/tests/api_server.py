"""The API of a World on a socket, its clock moved on by a second with each request."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from headroom.web import api_app
from headroom.web.address import Address
from headroom.web.live_api import TAKE_OVER
from headroom.web.server import Listeners
from tests.support import World

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


@contextmanager
def served(world: World) -> Iterator[str]:
    """Serve it; gives its URL."""
    app = api_app(world.coordinator)

    def in_time(environ: Any, start_response: Any) -> Any:
        # The limit of rate and streams have tests of their own; here the one would be all that is
        # met, and the other would be waited for.
        world.clock.advance(1)
        answer = app(environ, start_response)
        environ.pop(TAKE_OVER, None)
        return answer

    with listening(in_time) as address:
        yield f"http://{address}"


@contextmanager
def listening(app: "WSGIApplication") -> Iterator[Address]:
    """Serve any application to people, on a free port."""
    with Listeners() as listeners:
        address = listeners.listen_for_people(app, Address("127.0.0.1", 0))
        thread = threading.Thread(target=listeners.run)
        thread.start()
        try:
            yield address
        finally:
            listeners.stop()
            thread.join()
