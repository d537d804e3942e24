"""The body of a request → the question in it, asked in XML or in JSON.

    xml=<query><userid>1</userid><userkey>…</userkey><action>GetStatus</action><mediaid>1042</mediaid></query>
    json={"query": {"userid": "1", "userkey": "…", "action": "GetStatus", "mediaid": "1042"}}

See "GetStatus" of the vendor. The key stands in the body: it is taken out here, and no error repeats what was read.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from notifier.core.secret import Secret
from notifier.providers.base import Malformed
from notifier.providers.xml import members, read

XML, JSON = "xml", "json"
MOST_FIELDS = 10
"""Fields of a form of which only one counts."""
_BOUNDARY = re.compile(r'multipart/form-data\s*;\s*boundary="?([\w\'()+,./:=?-]{1,70})', re.ASCII | re.IGNORECASE)
_NAMED = re.compile(rb'content-disposition:[ \t]*form-data;[ \t]*name="?(xml|json)\b', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Question:
    """Who asks for what; `told` has the other members of the query by their names."""

    field: str
    """Of the form: `xml` or `json`, and the answer is in the same."""
    user_id: str
    user_key: Secret
    action: str
    told: Mapping[str, str]


class Complaint(Exception):
    """What the asker is told as <error>; in the service's own words where these are known."""


class Unreadable(Complaint):
    """No question was found; `field` is the one that it should have stood in."""

    def __init__(self, field: str = XML, words: str = "Wrong query format") -> None:
        super().__init__(words)
        self.field = field


def question(body: bytes, content_type: str = "") -> Question:
    """The question that a form holds; raises `Unreadable`."""
    field, text = _field(body, content_type)
    try:
        told = _READERS[field](text)
    except (Malformed, ValueError, RecursionError):  # the last for JSON that is nested for its own sake
        raise Unreadable(field) from None
    taken = {name: told.pop(name, "") for name in ("userid", "userkey", "action")}
    return Question(field, taken["userid"], Secret(taken["userkey"]), taken["action"], told)


def seems(body: bytes) -> str:
    """The field that a body begins with, as far as it has come."""
    return JSON if body.startswith(b"json=") else XML


def _field(body: bytes, content_type: str) -> tuple[str, str]:
    several = _BOUNDARY.match(content_type)  # PHP's curl sends an array so, which the service, in PHP, reads as well
    try:
        form = dict(_parts(body, several[1]) if several else _pairs(body))
    except ValueError:
        raise Unreadable from None
    found = sorted((field for field in _READERS if field in form), key=lambda field: not form[field])
    if not found:
        raise Unreadable
    return found[0], form[found[0]]


def _pairs(body: bytes) -> list[tuple[str, str]]:
    return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)


def _parts(body: bytes, boundary: str) -> Iterator[tuple[str, str]]:
    for part in body.split(f"--{boundary}".encode(), MOST_FIELDS)[1:]:
        head, _, text = part.partition(b"\r\n\r\n")
        if named := _NAMED.search(head):
            yield named[1].decode().lower(), text.removesuffix(b"\r\n").decode()


def _from_xml(text: str) -> dict[str, str]:
    root = read(text.encode())
    if root.tag != "query":
        raise ValueError
    return members(root)


def _from_json(text: str) -> dict[str, str]:
    """The scalars of the query: nothing that can be asked for here is more than one."""
    match json.loads(text):
        case {"query": dict(query)}:
            scalars = {name: _scalar(one) for name, one in query.items()}
            told = {name: one for name, one in scalars.items() if one is not None}
            if "mediaid" in query.keys() - told.keys():
                raise ValueError
            return told
        case _:
            raise ValueError


def _scalar(value: object) -> str | None:
    if value is True:
        return "yes"  # as it is said in XML
    return str(value).strip() if type(value) in {str, int} else None


_READERS = {XML: _from_xml, JSON: _from_json}
