"""text → TOML with its places, or the fault for which it is none."""

import re

from notifier.config.faults import ConfigError, Fault
from notifier.config.position import Toml, TooDeep

AGAIN = "this key or table is there already"
ODD = "a string or a comment holds a line break or another control character: is a quotation mark missing?"
SYNTAX = {
    "Cannot ": AGAIN,
    "Duplicate ": AGAIN,
    "Found invalid character": ODD,
    "Illegal character": ODD,
    "Invalid value": "expected a value; a string stands in quotation marks",
    "Expected newline": "expected the line to end after the value; a string stands in quotation marks",
}
"""How `tomllib` begins what would show a part of the text, or say it as only Python would; the rest is plain enough."""


def toml_of(text: str, file: str) -> Toml:
    """What the text of a file says; raises `ConfigError` where it is no TOML."""
    try:
        return Toml(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(_syntax(error, text, file)) from None


def _syntax(error: Exception, text: str, file: str) -> Fault:
    if isinstance(error, TooDeep):
        return Fault(file, error.line, 1, "", "nested too deep: no key of a config is")
    if isinstance(error, RecursionError):
        return Fault(file, 0, 0, "", "this is not TOML: nested too deep")
    found = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", str(error), re.DOTALL)
    if not found:  # Python's limit of digits, at a place that it does not tell
        return Fault(file, 0, 0, "", "this is not TOML: a number has too many digits")
    said = next((sentence for beginning, sentence in SYNTAX.items() if found[1].startswith(beginning)), found[1])
    line, column = (int(found[2]), int(found[3])) if found[2] else _end(text)
    return Fault(file, line, column, "", f"this is not TOML: {said}")


def _end(text: str) -> tuple[int, int]:
    lines = text.split("\n")
    return len(lines), len(lines[-1]) + 1
