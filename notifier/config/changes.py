"""two readings of a config → what is another than it was, in words, no secret among them."""

from collections.abc import Iterator, Mapping
from typing import Any

from notifier.config import Reading
from notifier.config.effective import Line, Section, sections
from notifier.core.model import Endpoint, Source

LONGEST = 60
"""Characters of a value that is told as it was and as it is."""
NONE = Line("", None)


def changes(before: Reading, after: Reading) -> list[str]:
    """`+ endpoint crm`, `- source old`, `source posts: budget 60/m → 30/m`; nothing where all is as it was."""
    old, new = _by_place(before), _by_place(after)
    gone = [f"- {_place(section)}" for key, (section, _) in old.items() if key not in new]
    come = [f"+ {_place(section)}" for key, (section, _) in new.items() if key not in old]
    changed = [
        f"{_place(new[key][0])}: {', '.join(words)}"
        for key in new
        if key in old and (words := list(_changed(old[key], new[key])))
    ]
    return [*gone, *come, *changed]


Told = tuple[Section, Mapping[str, Any]]
"""A table as it may be shown, and what of it may not, by its keys."""


def _by_place(reading: Reading) -> dict[tuple[str, str], Told]:
    settings = reading.settings
    hidden: dict[tuple[str, str], Mapping[str, Any]] = {
        ("server", ""): {
            "token": settings.token,
            "notify_secrets": settings.calling.template.secrets,
            "encoding": settings.encoding,
        },
        **{("sources", one.name): _of_source(one) for one in settings.sources},
        **{("endpoints", one.name): _of_endpoint(one) for one in settings.endpoints},
    }
    found = ((section.table, section.name) for section in sections(reading))
    return {key: (section, hidden.get(key, {})) for key, section in zip(found, sections(reading), strict=True)}


def _of_source(source: Source) -> Mapping[str, Any]:
    calls = {} if source.api is None else {"list": source.api.list, "single": source.api.single}
    return dict.fromkeys(("api_key", "user_key", "auth"), source.api_key) | calls


def _of_endpoint(endpoint: Endpoint) -> Mapping[str, Any]:
    told = {key: getattr(endpoint, key) for key in ("url", "secrets", "headers", "bearer", "basic")}
    return told | dict.fromkeys(("ca_file", "client_cert", "client_key"), endpoint.files)


def _place(section: Section) -> str:
    return f"{section.table.removesuffix('s')} {section.name}" if section.name else section.table


def _changed(old: Told, new: Told) -> Iterator[str]:
    """What is inherited is told where it is inherited from."""
    before, after = ({line.key: line for line in section.lines} for section, _ in (old, new))
    for key in {**before, **after}:
        was, is_ = before.get(key, NONE), after.get(key, NONE)
        if was.note and is_.note:
            continue
        if was.value != is_.value or (key in after and old[1].get(key) != new[1].get(key)):
            yield _told(key, was.value, is_.value)


def _told(key: str, was: Any, is_: Any) -> str:
    if key == "secrets":
        return f"secrets changed ({len(is_ or ())})"
    texts = [_text(value) for value in (was, is_)]
    if was == is_ or None in texts:
        return f"{key} changed"
    return f"{key} {texts[0]} → {texts[1]}"


def _text(value: Any) -> str | None:
    """None: it is too long, or is shown in part only."""
    if isinstance(value, dict) or "***" in str(value):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        value = ", ".join(map(str, value)) or "none"
    text = "none" if value in {None, ""} else str(value)
    return text if len(text) <= LONGEST else None
