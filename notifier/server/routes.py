"""One line of the table of all that can be asked: method × path → what it takes, what it answers, who answers.

A call of the API is a function that takes a `Call` and answers a status and a model:

    async def paused(call: Call[Nothing]) -> Answer:
        ...
        return HTTPStatus.OK, Endpoint(...)

    api("POST", "/v1/endpoints/{endpoint}/pause", "Send nothing more to it", paused, {200: Endpoint}, takes=Nothing)

It goes into the list that a module's `routes` returns, and that into `notifier.server.api`. All the rest is done here:
a GET takes its parameters as the model's fields, any other method a JSON object; what is no such thing is answered with
every fault in it; a function may raise `Problem`, `UnknownNameError` and `StoreError`, and asks for nobody's rights.
What changes anything is logged with who asked for it, each given field beside the parts of the path, except those with
`repr=False`: they hold what no log may. What is not JSON, or has rights of its own (`is_open`), is a `Route` as it is.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Generic, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel

from notifier.server.access import READING, who
from notifier.server.problems import Problem
from notifier.server.taking import Taken, taken
from notifier.store import UnknownNameError

log = logging.getLogger(__name__)

T = TypeVar("T", bound=Taken)
Answer = tuple[HTTPStatus, BaseModel | None]
Answers = Mapping[int, Any]
"""What is answered with each status, as far as all is well: a model, one of several, or None for nothing."""


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """What is asked, and by whom."""

    given: T
    path: Mapping[str, str]
    """The parts of the path that have a name."""
    who: str


@dataclass(frozen=True, slots=True)
class Route:
    """Something that can be asked."""

    method: str
    path: str
    summary: str
    handler: Handler
    takes: type[BaseModel] | None = None
    """Of a GET the parameters, else the body; None: neither is looked at, or the handler does so itself."""
    answers: Answers = field(default_factory=dict)
    is_open: bool = False
    """Everybody may ask, also over TCP and without the token."""

    @property
    def methods(self) -> tuple[str, ...]:
        """Whoever may GET may ask for the headers alone."""
        return ("HEAD", "GET") if self.method == "GET" else (self.method,)


def api(
    method: str,
    path: str,
    summary: str,
    answer: Callable[[Call[T]], Awaitable[Answer]],
    answers: Answers,
    *,
    takes: type[T],
) -> Route:
    """A route of the API."""

    async def handler(request: web.Request) -> web.Response:
        by = who(request)  # now: who has gone by the end of the body cannot be asked any more
        call = Call(await taken(request, takes), dict(request.match_info), by)
        try:
            status, model = await answer(call)
        except (Problem, UnknownNameError):  # nothing was done
            raise
        except BaseException:  # something may have been
            _tell(request, call, HTTPStatus.INTERNAL_SERVER_ERROR)
            raise
        _tell(request, call, status)
        if model is None:
            return web.Response(status=status)
        return web.Response(text=model.model_dump_json(), status=status, content_type="application/json")

    return Route(method, path, summary, handler, takes, answers)


def _tell(request: web.Request, call: Call[T], status: HTTPStatus) -> None:
    """One line, with who asked for what, where that changes anything."""
    if request.method in READING:
        return
    shown = {name for name, one in type(call.given).model_fields.items() if one.repr}
    given = call.given.model_dump(include=shown & call.given.model_fields_set, mode="json")
    what = {"who": call.who, "call": f"{request.method} {request.path}", "status": status.value}
    log.info("asked", extra={"fields": {**what, **call.path, **given}})
