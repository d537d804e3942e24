"""What went wrong with a call → a problem document (RFC 9457)."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web
from pydantic import BaseModel

from notifier.store import StoreError, UnknownNameError

log = logging.getLogger(__name__)

KEPT = ("Allow", "WWW-Authenticate")
"""Headers of an error without which its status would say too little."""


class Fault(BaseModel):
    """What is wrong at one place of a call, a key of its body or a parameter; `where` is "" for the whole of it."""

    where: str
    expected: str


class ConfigFault(BaseModel):
    """What is wrong with the config; `line` and `column` count from 1, and are 0 where it is not in the text of it."""

    file: str
    line: int
    column: int
    key: str
    message: str
    suggestion: str


class Document(BaseModel):
    """A problem, as it is told."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None
    faults: list[Fault | ConfigFault] | None = None


@dataclass
class Problem(Exception):
    """A call is answered with this instead; the detail names the cure, and shows no secret."""

    status: HTTPStatus
    detail: str
    faults: Sequence[Fault | ConfigFault] = ()
    headers: Mapping[str, str] | None = None


def told(error: Exception) -> web.Response:
    """The answer to a call that raised this. What nobody has foreseen is a bug, and logged; the daemon goes on."""
    match error:
        case Problem():
            return _answer(error.status, error.detail, error.faults, error.headers)
        case web.HTTPException():
            headers = {name: error.headers[name] for name in KEPT if name in error.headers}
            return _answer(HTTPStatus(error.status), _detail(error), (), headers)
        case ConnectionError():
            status, detail = HTTPStatus.BAD_REQUEST, "the body ended before its end"
        case UnknownNameError():
            status, detail = HTTPStatus.NOT_FOUND, str(error)
        case StoreError():
            log.error("no answer", extra={"fields": {"reason": str(error)}})
            status, detail = HTTPStatus.SERVICE_UNAVAILABLE, "the database does not answer; the log says why"
        case MemoryError():
            log.error("no answer", exc_info=error, extra={"fields": {"reason": "no memory is left"}})
            status, detail = HTTPStatus.SERVICE_UNAVAILABLE, "no memory is left; the log says why"
        case _:
            log.error("bug", exc_info=error)
            status, detail = HTTPStatus.INTERNAL_SERVER_ERROR, "a bug of notifier; its trace is in the log"
    return _answer(status, detail)


def _detail(error: web.HTTPException) -> str | None:
    match error:
        case web.HTTPNotFound():
            return "there is nothing here: see /openapi.json for what there is"
        case web.HTTPMethodNotAllowed():
            return f"this takes {' or '.join(sorted(error.allowed_methods))}"
        case _:
            return None if error.text == f"{error.status}: {error.reason}" else error.text


def _answer(
    status: HTTPStatus,
    detail: str | None,
    faults: Sequence[Fault | ConfigFault] = (),
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    document = Document(title=status.phrase, status=status, detail=detail, faults=list(faults) or None)
    text = document.model_dump_json(exclude_none=True)
    return web.Response(text=text, status=status, headers=headers, content_type="application/problem+json")
