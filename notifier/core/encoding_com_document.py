"""elements → a document of Encoding.com, in XML or in JSON: what it sends, and what it answers."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Element = tuple[str, Any]
"""A name and what stands there: a text that `clean` has left as it is, or a list of elements."""
_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def as_xml(root: str, elements: Sequence[Element]) -> str:
    """A declaration, a line break, all of it on one line, a line break."""
    return f'<?xml version="1.0"?>\n<{root}>{_written(elements)}</{root}>\n'


def _written(elements: Sequence[Element]) -> str:
    return "".join(
        f"<{name}>{_written(held) if isinstance(held, list) else held.translate(_ESCAPED)}</{name}>"
        for name, held in elements
    )


def as_json(root: str, elements: Sequence[Element]) -> str:
    """What there is once is itself, what there is several times is a list; all else is a string, and never empty."""
    return json.dumps({root: _object(elements)}, ensure_ascii=False, separators=(",", ":"))


def _object(elements: Sequence[Element]) -> dict[str, Any]:
    held: dict[str, list[Any]] = {}
    for name, inside in elements:
        if inside:
            held.setdefault(name, []).append(_object(inside) if isinstance(inside, list) else inside)
    return {name: values[0] if len(values) == 1 else values for name, values in held.items()}


WRITERS: Mapping[str, Callable[[str, Sequence[Element]], str]] = {"xml": as_xml, "json": as_json}
"""By the form field that such a document stands in, and a question as well."""
CONTENT_TYPES = {"xml": "text/xml", "json": "application/json"}
"""What the service says of its answers, by the field of the question."""
