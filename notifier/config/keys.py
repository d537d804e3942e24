"""source × provider → keys that are missing, that are another provider's, or that do not fit together."""

import re
from collections.abc import Iterable

from notifier.config.faults import Findings, KeyPath
from notifier.config.headers import header_faults
from notifier.config.models import AuthTable, ListTable, SourceTable
from notifier.config.words import nearest
from notifier.core.description import Paging
from notifier.providers.base import Provider
from notifier.providers.http_json_pages import HOLES

USUAL = ("api_key",)
OWN = {
    "encoding_com": ("user_id", "user_key"),
    "http_json": ("auth", "ok", "list", "single", "fields", "targets", "statuses", "target_statuses"),
}
"""The keys of a source that not every provider takes, by the provider; any other takes the usual ones."""
NEEDED = {"http_json": ("fields", "statuses")}
"""Which of them have no default; where it is not told here, none has one."""
CREDENTIALS = ("api_key", "user_key", "auth")
SPECIAL = {key for keys in (USUAL, *OWN.values()) for key in keys}
MISSING = "missing, and it has no default"
HOLE = re.compile(r"\{([^{}]*)\}")


def check_keys(source: SourceTable, path: KeyPath, provider: Provider, findings: Findings) -> None:
    """Everything about the keys of a source that depends on its provider."""
    own = OWN.get(provider.name, USUAL)
    for key in SourceTable.model_fields:
        if key in SPECIAL - set(own) and key in source.model_fields_set:
            meant = next((one for one in CREDENTIALS if one in own), "") if key in CREDENTIALS else nearest(key, own)
            findings.fault((*path, key), f'not a key of provider "{provider.name}": expected {", ".join(own)}', meant)
    for key in NEEDED.get(provider.name, own):
        if getattr(source, key) is None:
            findings.fault((*path, key), MISSING)
    if not provider.base_url and source.base_url is None:
        findings.fault((*path, "base_url"), MISSING)
    if provider.name == "http_json":
        _description(source, path, findings)


def _description(source: SourceTable, path: KeyPath, findings: Findings) -> None:
    if source.list is None and source.single is None:
        findings.fault((*path, "list"), "missing: list or single, or both, say how to ask")
    if source.list is None and "discover" in source.model_fields_set and source.discover:
        findings.fault((*path, "discover"), "needs list: without it nothing can be discovered")
    if source.auth is not None:
        _auth(source.auth, (*path, "auth"), findings)
    if source.list is not None and not findings.at_fault((*path, "list", "paging")):
        _list(source.list, (*path, "list"), findings)
    if source.single is not None:
        _holes(
            source.single.url, (*path, "single", "url"), "id", "expected {id} in the URL, and no other name", findings
        )
    for key in ("statuses", "target_statuses"):
        _words(getattr(source, key), (*path, key), findings)


def _auth(auth: AuthTable, path: KeyPath, findings: Findings) -> None:
    for _, fault in header_faults({auth.header: ""}):
        findings.fault((*path, "header"), fault)
    if not auth.value.isascii() or not auth.value.isprintable():
        findings.fault((*path, "value"), "it holds characters that no header can carry")
    if set(HOLE.findall(auth.value)) != {"secret"}:
        findings.fault((*path, "value"), "expected {secret} in it, where the secret is to stand, and no other name")


def _list(table: ListTable, path: KeyPath, findings: Findings) -> None:
    paging = Paging(table.paging)
    hole = HOLES.get(paging)
    expected = f"expected {{{hole}}} in the URL, and no other name" if hole else "expected no name in the URL"
    _holes(table.url, (*path, "url"), hole, f'{expected}, as paging = "{paging}" has it', findings)
    if paging is Paging.CURSOR and table.cursor is None:
        findings.fault((*path, "cursor"), f'missing: paging = "{paging}" needs to know where the next cursor is')
    if paging is not Paging.CURSOR and table.cursor is not None:
        findings.fault((*path, "cursor"), f'paging = "{paging}" has no such key: expected paging = "cursor"')
    if hole is None and table.more is not None:
        known = " or ".join(f'"{one}"' for one in HOLES)
        findings.fault((*path, "more"), f'paging = "{paging}" has no such key: expected paging = {known}')


def _holes(url: str, path: KeyPath, hole: str | None, expected: str, findings: Findings) -> None:
    """The names in a URL are those that will be known when it is filled in."""
    names = set(HOLE.findall(url))
    if re.search(r"[{}]", HOLE.sub("", url)):
        findings.fault(path, "a brace that belongs to no name: as itself it is %7B or %7D")
    elif names != ({hole} if hole else set()):
        odd = next(iter(names - {hole}), None)
        findings.fault(path, expected, nearest(odd, [hole]) if hole else "")


def _words(words: Iterable[str] | None, path: KeyPath, findings: Findings) -> None:
    """Their words for our statuses: compared trimmed and in any case."""
    if words is None:
        return
    seen: set[str] = set()
    for word in words:
        folded = word.strip().lower()
        if not folded:
            findings.fault((*path, word), "expected a word")
        elif folded in seen:
            findings.fault((*path, word), "named twice: upper and lower case, and blanks around it, do not count")
        seen.add(folded)
    if not seen:
        findings.fault(path, "expected at least one word")
