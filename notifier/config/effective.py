"""a config that was read → the config in effect, to be shown: every key, each default marked, each secret masked."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from notifier.config import Reading
from notifier.config.calls import KEYS, mimics
from notifier.config.certificates import FILES
from notifier.config.models import EndpointTable, ListTable, SendingTable, SingleTable, SourceTable, Table, sending
from notifier.config.secrets import Reference
from notifier.config.units import rate_text
from notifier.config.urls import shown, shown_template
from notifier.core.model import Source
from notifier.core.render import iso
from notifier.core.secret import Secret

MASK = "***"
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Line:
    """A key and its value as TOML and JSON can hold it; `note` says where the value comes from, "" being the file."""

    key: str
    value: Any
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A table; `name` is given to those of which there are several."""

    table: str
    name: str
    lines: tuple[Line, ...]


def sections(reading: Reading) -> Iterator[Section]:
    """The config in effect, table by table."""
    file, settings = reading.file, reading.settings
    yield _section("store", file.store, url=f"sqlite://{settings.store_path}")
    yield _section("server", file.server, socket=str(settings.socket))
    yield _section("delivery", file.delivery)
    for table, source in zip(file.sources, settings.sources, strict=True):
        yield _source(table, source)
    for endpoint in file.endpoints:
        yield _endpoint(endpoint, reading)


def as_toml(reading: Reading) -> str:
    """The config in effect as a config."""
    parts = []
    for section in sections(reading):
        header = f"[[{section.table}]]" if section.name else f"[{section.table}]"
        lines = [(f"{line.key} = {_toml(line.value)}", line.note) for line in section.lines]
        parts.append("\n".join([header, *(f"{text:<40}  # {note}" if note else text for text, note in lines)]))
    return "\n\n".join(parts)


def as_json(reading: Reading) -> dict[str, Any]:
    """`config`, the names of the keys in it that have their `defaults`, `warnings`, and how many there are of what."""
    config: dict[str, Any] = {"sources": [], "endpoints": []}
    defaults = []
    for section in sections(reading):
        values = {line.key: line.value for line in section.lines}
        if section.name:
            config[section.table].append(values)
        else:
            config[section.table] = values
        place = ".".join(filter(None, (section.table, section.name)))
        defaults += [f"{place}.{line.key}" for line in section.lines if line.note == DEFAULT]
    found = {"sources": len(reading.file.sources), "endpoints": len(reading.file.endpoints)}
    return {"config": config, "defaults": defaults, "warnings": list(reading.settings.warnings), "found": found}


def _section(table: str, written: Table, name: str = "", **in_effect: Any) -> Section:
    """`in_effect` has the values that are not simply those of the model."""
    lines = []
    for key in type(written).model_fields:
        value = in_effect.get(key, getattr(written, key))
        if value is not None:
            lines.append(Line(key, _masked(value), "" if key in written.model_fields_set else DEFAULT))
    return Section(table, name, tuple(lines))


def _source(table: SourceTable, source: Source) -> Section:
    kinds = list(source.kinds) or None
    budget = table.budget or rate_text(source.budget)
    in_effect: dict[str, Any] = {"base_url": source.base_url, "budget": budget, "kinds": kinds}
    if source.api is not None:
        in_effect |= {"discover": source.discover, "target_statuses": dict(source.api.target_statuses)}
        in_effect |= {key: _call(call) for key in ("list", "single") if (call := getattr(table, key)) is not None}
    return _section("sources", table, source.name, **in_effect)


def _call(call: ListTable | SingleTable) -> Table:
    """With its URL as it may be shown."""
    return call.model_copy(update={"url": shown_template(call.url)})


def _endpoint(endpoint: EndpointTable, reading: Reading) -> Section:
    delivery = reading.file.delivery
    how = sending(endpoint, delivery)
    inherited = {key: getattr(how, key) for key in SendingTable.model_fields}
    files = {key: one.written for key in FILES if (one := getattr(endpoint, key)) is not None}
    headers = dict.fromkeys(endpoint.headers, MASK)  # credentials belong in them
    others = ("secrets",) if mimics(endpoint) else KEYS
    own = {"url": shown(endpoint.url), "headers": headers, **files, **dict.fromkeys(others)}
    section = _section("endpoints", endpoint, endpoint.name, **own, **inherited)
    shared = delivery.model_fields_set
    lines = [
        Line(line.key, line.value, "from [delivery]") if line.note and line.key in shared else line
        for line in section.lines
    ]
    own_first = sorted(lines, key=lambda line: line.key in inherited)
    return Section(section.table, section.name, tuple(own_first))


def _masked(value: Any) -> Any:
    if isinstance(value, Secret | Reference):
        return MASK if value.not_after is None else {"value": MASK, "not_after": iso(value.not_after)}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if isinstance(value, Table):
        held = {key: getattr(value, key) for key in type(value).model_fields}
        return {key: _masked(item) for key, item in held.items() if item is not None}
    return value


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)  # JSON's strings, numbers and booleans are TOML's
