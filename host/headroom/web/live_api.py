"""The stream of the live state; see `live` for who serves it."""

from collections.abc import Callable

from flask import Blueprint, Response, request

from headroom.coordinator import Coordinator
from headroom.protocol.problems import TOO_MANY_STREAMS
from headroom.store import StoreUnavailableError
from headroom.web.live import LiveHub, OpenResponse
from headroom.web.operations import operation
from headroom.web.security import Credentials, sender
from headroom.web.state import current_state

# Where a request's environment says who goes on with its response, once what the view gave of it
# was sent: `take(response)`. A server that does not know it ends the response after one event,
# and the browser comes again.
TAKE_OVER = "headroom.take_over"


def live_api(coordinator: Coordinator) -> Blueprint:
    """The route /api/v1/live."""
    api = Blueprint("live", __name__)
    hub = LiveHub(lambda: current_state(coordinator).model_dump(mode="json"))

    @api.get("/live")
    @operation("read", TOO_MANY_STREAMS, media=("text/event-stream",))
    def live() -> Response:
        """The state as server-sent events, and from then on what changes.

        First `state`, all of it. Then `change`, twice a second at most and after 5 s at the
        latest: `feeders` and `boards` have those that are new, each in place of the one of its
        id; any other key is there if it is new. `age_s` is from when the board was told. `state`
        again if there are other feeders or boards. `problem` when the store cannot be read.
        With Last-Event-ID the stream goes on after that event, or begins anew if that cannot be.
        """
        begun = hub.begin(sender(), request.headers.get("Last-Event-ID", ""))
        may_go_on = _still_the_same_person(coordinator)

        def take_over(response: OpenResponse) -> None:
            hub.keep(response, begun, may_go_on)

        if request.method == "GET":
            request.environ[TAKE_OVER] = take_over
        # An iterator has no length, so the server leaves the end of the response open.
        return Response(iter([begun.event]), mimetype="text/event-stream")

    return api


def _still_the_same_person(coordinator: Coordinator) -> Callable[[], bool]:
    """Tells later whether this request's token or session still holds."""
    credentials = Credentials.of_request()
    access = credentials.access(coordinator)

    def holds() -> bool:
        try:
            return credentials.access(coordinator) == access
        except StoreUnavailableError:
            return True

    return holds
