"""the models of the config, their schema and the comments of the example → the tables of docs/config.md."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from notifier.config import calls, keys, models
from notifier.config.certificates import FILES
from notifier.core.model import Status, TargetStatus
from notifier.providers import PROVIDERS

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "config.md"
EXAMPLE = (ROOT / "config.example.toml").read_text()
TABLES = {
    "": models.File,
    "store": models.StoreTable,
    "server": models.ServerTable,
    "server.encoding": models.EncodingTable,
    "delivery": models.DeliveryTable,
    "sources": models.SourceTable,
    "sources.auth": models.AuthTable,
    "sources.list": models.ListTable,
    "sources.single": models.SingleTable,
    "sources.fields": models.FieldsTable,
    "sources.targets": models.TargetsTable,
    "endpoints": models.EndpointTable,
    "endpoints.basic": models.BasicTable,
}
"""Every table of a config, by where it stands."""
FORMS = {
    "duration": "a duration like",
    "rate": "a rate like",
    "name": "a name of",
    "text": "a string that is not empty",
    "network": "a network like",
    "address": "an address like",
    "JMESPath": "a JMESPath expression",
    "path": "a path below",
    "user": "a user without",
    "URL pattern": 'a pattern like "https:',
    "event pattern": 'a pattern like "upload',
    "source pattern": "the name of a source or",
    "database": '"sqlite:',
    "output": "an output in",
}
"""A word for each form, and how the schema begins to describe it."""
OTHERS = {
    "secret": 'a string, `{ env = "NAME" }`, `{ file = "PATH" }` or `{ credential = "NAME" }`; never shown or stored',
    "signing secret": "the same, `whsec_…` or `whsk_…`; with `not_after = 2026-12-01T00:00:00Z` it ends by itself",
    "file": 'the path of a file, relative to the config, or `{ credential = "NAME" }`',
    "upload status": ", ".join(f"`{one}`" for one in Status),
    "target status": ", ".join(f"`{one}`" for one in TargetStatus),
}
"""Forms that take more than a string."""
STATUSES = {tuple(Status): "upload status", tuple(TargetStatus): "target status"}
MEANT = {
    "server.encoding.user_id": "the `userid` that a question must have",
    "server.encoding.user_key": "the `userkey` that it must have",
    "sources.api_key": "the credential; `xf_…` goes out as `X-API-Key`, `Bearer xf_…` as `Authorization`",
    "sources.user_id": "this and `user_key` stand in the place of `api_key`",
    "sources.user_key": "the credential beside `user_id`",
    "sources.base_url": "where its API is; each provider has its own",
    "sources.list": "how a page of uploads is asked for; without it nothing is discovered",
    "sources.single": "how one upload is asked for; without it each is watched in the list alone",
    "sources.fields": "what tells what of an upload",
    "sources.targets": "what tells what of an upload's parts; default: it has none",
    "sources.auth": "the header that bears the credential; default: none",
    "sources.auth.header": "its name",
    "sources.auth.value": "what it says, with `{secret}` in it",
    "sources.auth.secret": "what stands there",
    "sources.list.url": "below `base_url`, with `{page}`, `{offset}` or `{cursor}` where `paging` has it",
    "sources.single.url": "below `base_url`, with `{id}` in it",
    "sources.fields.id": "its id",
    "sources.fields.status": "a word of `statuses`; another is told as `unknown`",
    "sources.fields.created_at": "a moment, as above",
    "sources.fields.started_at": "a moment, as above",
    "sources.fields.finished_at": "a moment, as above",
    "sources.fields.updated_at": "a moment, as above",
    "sources.targets.name": "what it is called",
    "sources.targets.status": "a word of `target_statuses`",
    "sources.targets.url": "where it is, once it is published",
    "sources.targets.reason_code": "why it failed: for programs",
    "sources.targets.reason_text": "why it failed: for people",
    "sources.targets.started_at": "a moment",
    "sources.targets.finished_at": "a moment",
    "endpoints.url": "where webhooks are POSTed",
    "endpoints.basic.user": "the user, without a colon",
    "endpoints.basic.password": "the password",
}
"""What the example does not say in a comment beside the key."""
KEY = re.compile(r"(?:# )?([a-z_]+) = .*?(?:\s{2,}# (.+))?")


def rows(where: str) -> Iterator[tuple[str, ...]]:
    """A row for each key of a table."""
    model, beside = TABLES[where], comments()
    schema = model.model_json_schema()
    inherited = models.SendingTable.model_fields if model is models.EndpointTable else {}
    for key, field in model.model_fields.items():
        if key not in inherited and (where or key not in TABLES):
            told = MEANT.get(f"{where}.{key}") or beside[where, key]
            default = "needed" if field.is_required() else shown(field.get_default())
            form = "file" if where == "endpoints" and key in FILES else form_of(schema["properties"][key], where, key)
            yield (f"`{key}`", form, default, *placed(where, key), told.replace("|", r"\|"))


def placed(where: str, key: str) -> tuple[str, ...]:
    """Who takes the key, in a table where not everybody takes all."""
    if where == "sources":
        takers = [name for name in PROVIDERS if key in keys.OWN.get(name, keys.USUAL)]
        return (", ".join(f"`{name}`" for name in takers) if key in keys.SPECIAL else "every provider",)
    if where == "endpoints":
        called = {"secrets": "but `encoding_com`", **dict.fromkeys(calls.KEYS, "`encoding_com`")}
        return (called.get(key, "every format"),)
    return ()


def comments() -> dict[tuple[str, str], str]:
    """What stands beside a key in the example, by table and key; the first one counts."""
    found: dict[tuple[str, str], str] = {}
    where, last = "", None
    for line in EXAMPLE.splitlines():
        if header := re.match(r"\[+([a-z.]+)\]+", line):
            where = header[1]
        elif told := KEY.fullmatch(line):
            last = (where, told[1]) if (where, told[1]) not in found and told[2] else None
            if last:
                found[last] = told[2].removeprefix("JMESPath: ")
        elif (more := re.fullmatch(r"\s+# (.+)", line)) and last:
            joint = " " if found[last].endswith((",", ";")) or more[1].startswith("|") else "; "
            found[last] += joint + more[1]
    return found


def form_of(schema: dict[str, Any], where: str = "", key: str = "") -> str:
    """What a value may be, in a word or two."""
    kinds = [one for one in schema.get("anyOf", [schema]) if one != {"type": "null"}]
    if "$ref" in kinds[0]:
        name = f"{where}.{key}"
        return f"[table](#{name.replace('.', '')})"
    if len(kinds) > 1:
        return "signing secret" if "not_after" in str(kinds) else "secret"
    match kinds[0]:
        case {"enum": words}:
            told = STATUSES.get(tuple(words)) or r" \| ".join(f"`{word}`" for word in words)
        case {"items": inner}:
            told = f"list of {form_of(inner)}"
        case {"additionalProperties": inner}:
            told = f"table of {form_of(inner)}"
        case {"type": "boolean"}:
            told = "true or false"
        case {"type": "integer" | "number" as kind, "minimum": lowest, "maximum": highest}:
            told = f"{'whole ' if kind == 'integer' else ''}number, {lowest:g} to {highest:g}"
        case {"description": meant}:
            told = next(word for word, beginning in FORMS.items() if meant.startswith(beginning))
        case _:
            told = "text"
    return told


def shown(default: object) -> str:
    """As TOML would have it."""
    return "–" if default is None else f"`{json.dumps(default)}`"


def forms() -> Iterator[tuple[str, str]]:
    """Every form, and what it is."""
    told = sorted(set(re.findall(r'"description": "((?:[^"\\]|\\.)*)"', json.dumps(models.File.model_json_schema()))))
    plain = [json.loads(f'"{one}"') for one in told]
    for word, beginning in FORMS.items():
        [meant] = {one for one in plain if one.startswith(beginning)}
        yield word, meant.replace("|", r"\|")
    yield from OTHERS.items()


def heads(where: str) -> Iterable[str]:
    """What stands above the columns of a table."""
    middle = {"sources": ("taken by",), "endpoints": ("format",)}.get(where, ())
    return ("key", "form", "default", *middle, "what it is")
