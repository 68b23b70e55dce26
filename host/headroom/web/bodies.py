"""The body of a request as one of the types that validate it."""

from typing import TypeVar

from flask import request

from headroom.protocol.messages import MalformedMessageError, Message
from headroom.protocol.problems import MALFORMED, NOT_JSON, ProblemError

M = TypeVar("M", bound=Message)


def read_body(form: type[M]) -> M:
    """The request's body; raises `not-json` or `malformed` with key and value."""
    # A page elsewhere can have a browser send text to this address unasked, but not this type.
    if request.mimetype != "application/json":
        raise ProblemError(NOT_JSON, f"Content-Type is {request.mimetype[:40] or 'not given'!r}")
    try:
        return form.decode(request.get_data(cache=False))
    except MalformedMessageError as error:
        raise ProblemError(MALFORMED, str(error)) from error
