"""URL templates × looks → where to ask; an answer to a page → where the next one is."""

import re
from typing import Any
from urllib.parse import quote

from yarl import URL

from notifier.core.description import ListCall, Paging
from notifier.core.model import Look
from notifier.providers.base import Malformed
from notifier.providers.expressions import compiled
from notifier.providers.http import Api
from notifier.providers.shapes import reference

HOLES = {Paging.PAGE: "page", Paging.OFFSET: "offset", Paging.CURSOR: "cursor"}
"""The name that each way of paging has in the URL of a list; the others have none."""
LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[\w!#$%&\'*+.^`|~-]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;,"]*))?)*)')
REL = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))', re.IGNORECASE)
"""One link of a `Link` header, its target and its parameters, and what kind of link it is: RFC 8288, section 3."""


def filled(template: str, hole: str, value: str | None) -> str:
    """The template with `value`, percent-encoded, in the place of `{hole}`.

    Without a value, what stands in a parameter of the query goes with it: there is no cursor before the first page.
    """
    name = f"{{{hole}}}"
    if value is not None:
        return template.replace(name, quote(value, safe=""))
    path, _, query = template.partition("?")
    kept = "&".join(part for part in query.split("&") if part and name not in part)
    return (f"{path}?{kept}" if kept else path).replace(name, "")


class Pages:
    """The pages of a list, one after the other."""

    def __init__(self, call: ListCall, api: Api) -> None:
        """Raises `BadExpression`; a description that a config was checked for has none."""
        self._call = call
        self._api = api
        self._more = None if call.more is None else compiled(call.more)
        self._cursor = compiled(call.cursor or "@")

    def url(self, look: Look) -> URL:
        """Where the page is. A cursor from before the way of paging was changed leads to the first one."""
        template = self._call.url
        match self._call.paging:
            case Paging.PAGE:
                return self._api.url(filled(template, "page", str(look.page)))
            case Paging.OFFSET:
                return self._api.url(filled(template, "offset", str(_offset(look))))
            case Paging.CURSOR:
                return self._api.url(filled(template, "cursor", look.cursor))
        if self._call.paging is Paging.LINK and look.cursor is not None and look.cursor.startswith("/"):
            return URL(f"{self._api.url('').origin()}{look.cursor}", encoded=True)
        return self._api.url(template)

    def onward(self, look: Look, document: Any, link: str, rows: int) -> tuple[bool, str | None]:
        """Whether there is a further page after this one of so many rows, and its cursor. Raises `Malformed`."""
        match self._call.paging:
            case Paging.PAGE:
                return self._goes_on(document, rows), None
            case Paging.OFFSET:
                more = bool(rows) and self._goes_on(document, rows)
                return more, str(_offset(look) + rows) if more else None
            case Paging.CURSOR:
                goes_on = self._more is None or bool(self._more(document))
                cursor = self._next_cursor(look, document) if goes_on else None
                return cursor is not None, cursor
            case Paging.LINK:
                cursor = self._next_link(look, link)
                return cursor is not None, cursor
        return False, None

    def _goes_on(self, document: Any, rows: int) -> bool:
        return rows > 0 if self._more is None else bool(self._more(document))

    def _next_cursor(self, look: Look, document: Any) -> str | None:
        told = self._cursor(document)
        cursor = reference(told)
        if cursor is None and told not in (None, ""):
            raise Malformed("the cursor of the next page is no text")
        if cursor is not None and cursor == look.cursor:
            raise Malformed("the cursor of the next page is that of this page")
        return cursor

    def _next_link(self, look: Look, header: str) -> str | None:
        """Path and query of the page that the header names; another origin must not see the credential."""
        target = next_link(header)
        if target is None:
            return None
        here = self.url(look)
        try:
            there = here.join(URL(target))
            same = there.origin() == here.origin()
        except (ValueError, IndexError):  # the latter for brackets with nothing in them
            raise Malformed("the link to the next page cannot be read") from None
        if not same:
            raise Malformed("the link to the next page leads to another origin")
        cursor = reference(there.raw_path_qs)
        if cursor is None or there == here:
            raise Malformed("the link to the next page leads nowhere")
        return cursor


def _offset(look: Look) -> int:
    """The rows before a page."""
    told = look.cursor or ""
    return int(told) if re.fullmatch(r"[0-9]{1,15}", told) else 0


def next_link(header: str) -> str | None:
    """The target of the first `rel="next"` of a `Link` header."""
    for target, parameters in LINK.findall(header):
        rel = REL.search(parameters)
        if rel and "next" in (rel[1] or rel[2] or "").lower().split():
            return str(target).strip()
    return None
