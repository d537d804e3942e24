"""document → the config as it is written, and every fault of its form."""

import copy
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from notifier.config.faults import Findings, KeyPath, Wrong
from notifier.config.models import File, Table
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


def parse(text: Mapping[str, Any]) -> tuple[File, Findings]:
    """Read the document of a config.

    Where there are faults, the `File` has stand-ins in the place of what is faulty: it serves to find more, no more.
    """
    findings = Findings()
    document = dict(text)
    while True:
        try:
            return File.model_validate(document), findings
        except ValidationError as error:
            document = copy.deepcopy(document)  # the text itself is not ours to mend
            for detail in error.errors(include_url=False, include_input=False):
                findings.fault(detail["loc"], *_said(detail))
                _mend(document, File, detail["loc"])


# --- what is said of a fault


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
