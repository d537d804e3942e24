"""JMESPath text → a question that can be put to any JSON; compiled once and strictly, an answer never raises."""

import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions
from jmespath.visitor import TreeInterpreter

Ask = Callable[[Any], Any]
"""What an expression says of a document; None for null, and where it makes no sense there."""

FUNCTIONS = Functions.FUNCTION_TABLE
DEEPEST = 100
TOO_DEEP = "the expression is nested too deep"
STUMBLES = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What jmespath raises at a document that an expression was not made for: its own errors are `ValueError`s, but numbers
out of all bounds, and nesting, make Python's functions below it stumble."""

_INTERPRETER = TreeInterpreter()
"""For all expressions: jmespath itself makes one at each question, which takes longer than to find a field by it."""


class BadExpression(ValueError):
    """No JMESPath. The message shows nothing of the text; `function` is one that was called and that nobody knows."""

    def __init__(self, message: str, function: str = "") -> None:
        super().__init__(message)
        self.function = function


@lru_cache(1000)
def compiled(text: str) -> Ask:
    """The expression as a question. Raises `BadExpression`, also for calls that jmespath would stumble over later."""
    root = _parsed(text)
    for name, arguments in _calls(root):
        _check_call(name, arguments)
    if root["type"] == "field":  # as most are: to visit the tree takes ten times as long
        return partial(_member, name=root["value"])

    def ask(document: Any) -> Any:
        try:
            return _INTERPRETER.visit(root, document)
        except STUMBLES:
            return None

    return ask


def _member(document: Any, name: str) -> Any:
    return document.get(name) if isinstance(document, dict) else None


def _parsed(text: str) -> Any:
    try:
        with warnings.catch_warnings(action="error"):  # a literal in backticks that is no JSON
            return jmespath.compile(text).parsed
    except PendingDeprecationWarning:
        raise BadExpression("a literal in backticks is JSON, and a text stands in single quotes") from None
    except RecursionError:
        raise BadExpression(TOO_DEEP) from None
    except JMESPathError as error:
        place = getattr(error, "lex_position", None)
        where = "" if place is None else " at its end" if place >= len(text) else f" at character {place + 1}"
        raise BadExpression(f"no JMESPath: it cannot be read on{where}") from None
    except ValueError:  # Python's limit of digits
        raise BadExpression("no JMESPath: a number has too many digits") from None


def _calls(root: Any) -> Iterator[tuple[str, int]]:
    """Every function that is called, and with how many arguments. Raises `BadExpression` where it would go too deep."""
    left = [(root, 1)]
    while left:
        node, depth = left.pop()
        if depth > DEEPEST:
            raise BadExpression(TOO_DEEP)
        if node["type"] == "function_expression":
            yield node["value"], len(node["children"])
        if node["type"] != "slice":  # whose children are numbers
            left += [(child, depth + 1) for child in node["children"]]


def _check_call(name: str, arguments: int) -> None:
    if name not in FUNCTIONS:
        raise BadExpression("JMESPath has no such function", name)
    signature = FUNCTIONS[name]["signature"]
    more = bool(signature) and signature[-1].get("variadic", False)
    if arguments < len(signature) or (arguments > len(signature) and not more):
        few = "at least " if more else ""
        raise BadExpression(f"{name}() takes {few}{len(signature)} argument{'' if len(signature) == 1 else 's'}")
