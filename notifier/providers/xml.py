"""bytes → elements: XML as strangers send it, read so that no document can do more than be wrong.

The parser is the standard library's expat. All that XML can be abused for, entities that multiply and files or hosts
that are fetched, has to be declared in a DOCTYPE first; so a document with one is refused before any declaration in it
is read, and nothing that is left expands or opens anything. Depth and number of elements are bounded here, bytes by
whoever received them. A package that forbids entities one by one would add a dependency, and nothing else.
"""

from typing import NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers.expat import ExpatError, ParserCreate

from notifier.providers.base import Malformed, Unavailable

MAX_DEPTH = 16
MAX_ELEMENTS = 250_000


def read(body: bytes) -> Element:
    """The root of a document; attributes and comments are passed over. Raises `Malformed`."""
    builder, parser = _Bounded(), ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(body, True)
    except (ExpatError, LookupError, ValueError):  # the latter two for an encoding that is none
        raise Malformed("the answer is no XML") from None
    return builder.close()


def _refuse_doctype(*_: object) -> NoReturn:
    raise Malformed("XML with a DOCTYPE is not read")


class _Bounded:
    def __init__(self) -> None:
        self._builder = TreeBuilder()
        self._depth = self._elements = 0
        self.data, self.close = self._builder.data, self._builder.close

    def start(self, name: str, _: object) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise Malformed("XML of more elements than any answer has")
        self._builder.start(name, {})

    def end(self, name: str) -> None:
        self._depth -= 1
        self._builder.end(name)


def answered(body: bytes, content_type: str) -> Element:
    """The root of an answer that should be XML; `Unavailable` where it is empty, or a page for people."""
    if not body.strip():
        raise Unavailable("an empty answer")
    try:
        root = read(body)
    except Malformed:
        if "html" not in content_type and not body.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")):
            raise
        root = Element("html")
    if root.tag == "html":
        raise Unavailable("an HTML page where XML was expected")
    return root


def words(element: Element | None) -> str:
    """The text of an element, trimmed; "" where it has none, or is not there."""
    return (("" if element is None else element.text) or "").strip()


def members(element: Element) -> dict[str, str]:
    """The texts of an element's children by their names, each trimmed: of several of one name the first."""
    told: dict[str, str] = {}
    for child in element:
        told.setdefault(child.tag, words(child))
    return told
