"""An operation of the API, declared once by the signature of its view.

    @api.put("/boards/<board_id>/override")
    @operation("operate", NO_SUCH_BOARD)
    def set_override(board_id: BoardId, body: OverrideBody) -> RevisionDocument:
        \"\"\"Order a circuit on or off.\"\"\"

From it come the check of the request, the form of the answer, the rights that it takes (see
`security`) and its part of the OpenAPI document (see `openapi`).
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from functools import update_wrapper
from types import NoneType
from typing import Any, TypeVar, get_type_hints

from flask import Response, request
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from headroom.protocol.messages import MalformedMessageError, Message, first_error, shortened
from headroom.protocol.problems import (
    MALFORMED,
    NO_SUCH_ORDER,
    NOT_FOUND,
    NOT_JSON,
    NOT_POSSIBLE,
    ProblemError,
    ProblemType,
)
from headroom.store.tokens import Role
from headroom.web.documents.base import Document

T = TypeVar("T")

JSON = "application/json"


class Query(BaseModel):
    """Query parameters; one that is not known is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Operation:
    """A view with what it takes and gives; role None = open to all who reach the server."""

    def __init__(
        self,
        view: Callable[..., Any],
        role: Role | None,
        problems: tuple[ProblemType, ...],
        *,
        personal: bool,
        status: int,
        media: tuple[str, ...],
    ) -> None:
        hints = get_type_hints(view, include_extras=True)
        answer = hints.pop("return")
        self.role = role
        self.personal = personal
        self.problems = problems
        self.body: type[Message] | None = hints.pop("body", None)
        self.query: type[Query] | None = hints.pop("query", None)
        self.path = {name: TypeAdapter(hint) for name, hint in hints.items()}
        self.answer: type[Document] | None = _document(answer)
        self.status = 204 if answer is NoneType else status
        self.media = media if answer is not NoneType else ()
        self._view = view
        update_wrapper(self, view)

    def __call__(self, **arguments: Any) -> Response:
        """Check the request, run the view and send what it gives."""
        _check_path(self.path, arguments)
        if self.query:
            arguments["query"] = _read_query(self.query)
        if self.body:
            arguments["body"] = _read_body(self.body, self.problems)
        answer = self._view(**arguments)
        if isinstance(answer, Response):
            return answer
        if answer is None:
            return Response(status=self.status)
        return Response(answer.model_dump_json(), self.status, mimetype=JSON)


def operation(
    role: Role | None,
    *problems: ProblemType,
    personal: bool = False,
    status: int = 200,
    media: tuple[str, ...] = (JSON,),
) -> Callable[[Callable[..., Any]], Operation]:
    """Declare a view an operation that takes a role and may be refused with these problems.

    A personal one takes a token even where anybody may read.
    """
    return lambda view: Operation(
        view, role, problems, personal=personal, status=status, media=media
    )


def require_order(found: T | None, missing: str) -> T:
    """What was ordered; raises `no-such-order` if that is nothing."""
    if found is None:
        raise ProblemError(NO_SUCH_ORDER, missing)
    return found


def _document(answer: Any) -> type[Document] | None:
    return answer if isinstance(answer, type) and issubclass(answer, Document) else None


def _check_path(types: dict[str, TypeAdapter[Any]], arguments: dict[str, Any]) -> None:
    for name, value in arguments.items():
        try:
            types[name].validate_python(value)
        except ValidationError as error:
            detail = f"{name}: {first_error(error)}, got {shortened(value)}"
            raise ProblemError(NOT_FOUND, detail) from None


def _read_body(form: type[Message], problems: Collection[ProblemType]) -> Message:
    # A page elsewhere can have a browser send text to this address unasked, but not this type.
    if request.mimetype != JSON:
        raise ProblemError(NOT_JSON, f"Content-Type is {request.mimetype[:40] or 'not given'!r}")
    text = request.get_data(cache=False)
    try:
        body = form.decode(text)
    except MalformedMessageError as error:
        # What no schema can say is wrong in the same way as what does not fit the site.
        is_rule = error.breaks_rule and NOT_POSSIBLE in problems
        raise ProblemError(NOT_POSSIBLE if is_rule else MALFORMED, str(error)) from error
    # Of a key that is given twice the last would count, unsaid.
    json.loads(text, object_pairs_hook=lambda pairs: _require_each_once(k for k, _ in pairs))
    return body


def _require_each_once(names: Iterable[str]) -> None:
    for name, times in Counter(names).items():
        if times > 1:
            raise ProblemError(MALFORMED, f"{name[:40]}: is given more than once")


def _read_query(form: type[Query]) -> Query:
    given = request.args.to_dict(flat=False)
    _require_each_once(name for name, values in given.items() for _ in values)
    try:
        return form.model_validate_strings({name: values[0] for name, values in given.items()})
    except ValidationError as error:
        raise ProblemError(MALFORMED, first_error(error)) from None
