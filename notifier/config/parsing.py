"""text → the config as it is written, and every fault of its form."""

import copy
import re
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from notifier.config.faults import ConfigError, Fault, Findings, KeyPath, Wrong
from notifier.config.models import File, Table
from notifier.config.position import Toml, TooDeep
from notifier.config.words import nearest

SENTENCES = {
    "missing": "missing, and it has no default",
    "string_type": "expected a string",
    "bool_type": "expected true or false",
    "list_type": "expected a list",
    "dict_type": "expected a table",
    "model_type": "expected a table",
}
"""What pydantic finds by itself, in our words; the rest is said by our own validators."""
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


def parse(text: str, file: str = "config.toml") -> tuple[File, Toml, Findings]:
    """Read the text of a config; `file` is its name in faults. Raises `ConfigError` where it is no TOML.

    Where there are faults, the `File` has stand-ins in the place of what is faulty: it serves to find more, no more.
    """
    try:
        toml = Toml(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(_syntax(error, text, file)) from None
    findings = Findings()
    document = copy.deepcopy(toml.document)
    while True:
        try:
            return File.model_validate(document), toml, findings
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_input=False):
                findings.fault(detail["loc"], *_said(detail))
                _mend(document, File, detail["loc"])


# --- what is said of a fault


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


def _said(detail: Mapping[str, Any]) -> tuple[str, str]:
    """Message and suggestion."""
    path, kind = detail["loc"], detail["type"]
    if kind == "value_error":
        wrong: Wrong = detail["ctx"]["error"]
        return str(wrong), wrong.suggestion
    if kind == "extra_forbidden":
        return _unknown_key(path)
    if kind == "list_type" and len(path) == 1:
        return f"expected tables that begin with [[{path[0]}]]", ""
    return SENTENCES[kind], ""


def _unknown_key(path: KeyPath) -> tuple[str, str]:
    *around, key = (part for part in path if isinstance(part, str))
    table: type[Table] = File
    for part in around:
        table = _tables_in(table.model_fields[part]) or table
    return "unknown key", nearest(key, table.model_fields)


def _tables_in(field: FieldInfo) -> type[Table] | None:
    """The model of the table, or of each of the tables, that a key holds; None where it holds something else."""
    kinds = (field.annotation, *get_args(field.annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Table)), None)


# --- stand-ins


def _mend(table: dict[str, Any], model: type[Table], path: KeyPath) -> None:
    """Put something right in the place of what is at fault at `path` in `table`: the default or a stand-in."""
    key, *rest = path
    field = model.model_fields.get(str(key))
    inner = _tables_in(field) if field else None
    if inner and rest:
        _mend_inside(table[str(key)], inner, tuple(rest))
    elif rest and field is not None:
        _mend_item(table, str(key), rest[0], field)
    elif field is None or not field.is_required():
        table.pop(str(key), None)
    else:
        table[str(key)] = _stand_in(field)


def _mend_item(table: dict[str, Any], key: str, item: str | int, field: FieldInfo) -> None:
    """Of a list or a mapping only what is at fault goes: the rest may have further faults."""
    held, stand_in = table.get(key), _stand_in(field)
    if isinstance(item, str) and isinstance(held, dict):
        held.pop(item, None)
    elif isinstance(item, int) and isinstance(held, list) and stand_in:
        held[item] = stand_in[0]
    else:
        table.pop(key, None)


def _mend_inside(tables: Any, model: type[Table], path: KeyPath) -> None:
    index, *rest = path
    if isinstance(index, str):
        _mend(tables, model, path)
    elif rest:
        _mend(tables[index], model, tuple(rest))
    else:
        required = {key: field for key, field in model.model_fields.items() if field.is_required()}
        tables[index] = {key: _stand_in(field) for key, field in required.items()}


def _stand_in(field: FieldInfo) -> Any:
    return field.default if field.examples is None else field.examples[0]
