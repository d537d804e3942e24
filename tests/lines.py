"""the calls of `log` in the code → the tables of docs/log.md: every line that there is, its fields and its level."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from notifier.log import message_id

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "log.md"
LEVELS = ("debug", "info", "warning", "error", "critical")
OPEN = "…"
"""Stands for fields that only a call knows."""
TOLD = {
    "announced": "An event was committed, and is owed to so many endpoints; `reason` where it is `source.failing`.",
    "asked": "Somebody had the daemon do something, through the API or by a command; with what was asked for.",
    "attempted": "One POST, and what came of it. An error where it was the last one: the delivery is dead.",
    "breaker closed": "The endpoint answers again, and gets all that waits.",
    "breaker opened": "The endpoint failed too often in a row: one request tries it at `next`, and nothing else goes.",
    "bug": "A fault of ours, with its trace: please report it. Its delivery is given up, all else goes on.",
    "can sign again": "There is a secret for the endpoint again.",
    "cannot send": "A fault of this machine, such as no file handle left: no attempt was counted, it is tried again.",
    "cannot sign": "All secrets of the endpoint have ended: add another; what it is owed waits.",
    "config refused": "A fault of the config that a reload found, with its place; the old config stays in force.",
    "config warning": "What `notifier check` would warn of.",
    "ended": "Why the process ends with status 1, or 78: the database is newer, or has a source at another provider.",
    "endpoint left the config long ago: what waited for it is dead": "As long ago as `store.keep` says.",
    "endpoint left the config: what waits for it is kept": "Until the name comes back, or `store.keep` is over.",
    "endpoint paused": "For the `reason`; what is announced waits. `deliveries` were made to tell others of it.",
    "endpoint resumed": "What waits for it goes, step by step.",
    "failed": "One look at a source came to nothing.",
    "given up": "A delivery ended without an attempt, for a `cause`.",
    "large body": "Larger than receivers may be counted on to take; it is sent all the same.",
    "late": "A loop makes no progress, and this is `where` it waits; systemd will end the process.",
    "looking": "One look at a source, what `at` and `why`.",
    "no id of its provider: nothing is asked": "It was followed before such an id was refused, or at another provider.",
    "no answer": "A question to the API failed because the database does, or no memory is left.",
    "not heard by systemd": "Where `NOTIFY_SOCKET` leads to nobody listens.",
    "not reloaded": "A reload failed for a reason that is not in the config; the old config stays in force.",
    "number taken: another one is given out": "The provider's number of a media or a task was another's already.",
    "pinged": "A ping that a person asked for, and what came of it.",
    "refused": "A request to the API without the token, or one that no page of ours sends.",
    "reloaded": "Another config is in force, with what changed.",
    "replayed": "A replay is through: so many deliveries were owed again.",
    "rescheduled": "What was due later than it can be, because the clock was set back, is due earlier.",
    "rests": "The provider asked for time: nothing goes to it for so many `seconds`.",
    "skipped": "Rows of an answer could not be read, and why; the other rows were.",
    "started": "It works: config read, database open, sockets there.",
    "stopped": "The last line of an orderly end.",
    "stopping": "A signal came: what is `in_flight` is waited for, and nothing new begins.",
    "the clock jumped": "By so many `seconds`, or the machine slept: all that is due is judged anew.",
    "throttled": "The endpoint asked for time: nothing goes to it before `next`.",
    "throttled no more": "It takes what it gets again.",
}
"""What a person is to know of each."""
MEANT = {
    "at": "which question to the source: an upload, a list",
    "attempt": "which one of its delivery, from 1",
    "bytes": "of the body",
    "call": "method and path",
    "cause": "`schedule aborted internal left unwanted_event …`: why nothing more is tried",
    "changes": "what is another than it was, as `notifier reload` tells it",
    "deliveries": "how many",
    "delivery": "its number, as in `notifier deliveries`",
    "endpoint": "its name; of a callback `notify:` and a number",
    "endpoints": "how many are in the config",
    "event": "its id, the receiver's `webhook-id`",
    "failures": "how many in a row",
    "fault": "file, line, key, and what was expected",
    "in_flight": "requests on their way",
    "instead": "the number that is given out in place of the provider's",
    "loop": "which of the two",
    "ms": "how long the attempt took",
    "next": "when it is tried again: Unix seconds, for a person at a terminal how long until then",
    "note": "why it failed and what would cure it",
    "outcome": "`delivered http_4xx connect timeout_total …`: what came of the attempt",
    "path": "of a request to us",
    "peer": "from where it came",
    "phase": "where the delivery is now: `waiting`, `delivered`, `dead`",
    "reason": "why, in words; at most 500 characters",
    "replay": "its number, as in `notifier replays`",
    "rows": "how many",
    "seconds": "how long, or by how much",
    "sequence": "which event of its upload, from 1",
    "since": "since when, in Unix seconds",
    "slot": "how many slots of the schedule are used",
    "source": "its name",
    "sources": "how many are in the config",
    "status": "of HTTP, as it was answered",
    "store": "the database file",
    "type": "of the event",
    "upload": "the provider's id",
    "version": "of the program",
    "waiting": "how many deliveries",
    "warning": "what is doubtful, and where",
    "where": "the calls that the loop is in",
    "who": "`uid 1000 (name)` at the control socket, or `token`",
    "why": "the reason for the look",
}
"""What each field holds."""


@dataclass
class Line:
    """All that is said with one word."""

    levels: set[str] = field(default_factory=set)
    fields: dict[str, None] = field(default_factory=dict)
    always: set[str] | None = None
    """Those that no call of it leaves out."""


@cache
def found() -> dict[str, Line]:
    """Every line of the program by its word, in the order of the alphabet."""
    trees = [ast.parse(path.read_text()) for path in sorted((ROOT / "notifier").rglob("*.py"))]
    functions = {one.name: one for tree in trees for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)}
    lines: dict[str, Line] = {}
    for around in (one for tree in trees for one in ast.walk(tree) if isinstance(one, _FUNCTIONS)):
        names = _Names(around, functions)
        for call in ast.walk(around):
            if _is_line(call):
                level, word = _said(call)
                line = lines.setdefault(word.value, Line())
                line.levels |= names.levels(level)
                given = dict.fromkeys(names.fields(_extra(call)))
                line.fields |= given
                line.always = given.keys() & (given.keys() if line.always is None else line.always)
    return dict(sorted(lines.items()))


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def _is_line(node: ast.AST) -> bool:
    """Whether it is `log.info(…)` or its like."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="log"), attr=how)):
            return how in {*LEVELS, "log", "exception"}
    return False


def _said(call: ast.Call) -> tuple[ast.expr | str, ast.Constant]:
    """The level and the word; with no `%` in it a word is the same in every line."""
    name = call.func.attr
    *level, word = call.args
    assert isinstance(word, ast.Constant), ast.unparse(call)
    return {"log": level[0] if level else "", "exception": "error"}.get(name, name), word


def _extra(call: ast.Call) -> ast.expr | None:
    extra = next((one.value for one in call.keywords if one.arg == "extra"), None)
    return extra and extra.values[0]


class _Names:
    """What the names in a function stand for, as far as it can be read off."""

    def __init__(self, around: ast.AST, functions: dict[str, ast.FunctionDef]) -> None:
        self._functions = functions
        self._assigned: dict[str, list[ast.expr]] = {}
        self._added: dict[str, list[str]] = {}
        for one in ast.walk(around):
            for name, value in _assigned(one):
                if isinstance(name, ast.Name):
                    self._assigned.setdefault(name.id, []).append(value)
                elif isinstance(name, ast.Subscript) and isinstance(name.value, ast.Name):
                    self._added.setdefault(name.value.id, []).append(getattr(name.slice, "value", OPEN))

    def levels(self, node: ast.AST | str) -> set[str]:
        """The names of all levels that an expression may be, or a function may answer."""
        if isinstance(node, str):
            return {node}
        if isinstance(node, ast.Name):
            return {level for one in self._assigned[node.id] for level in self.levels(one)}
        if isinstance(node, ast.Call):
            return self.levels(self._functions[node.func.id])
        return {one.attr.lower() for one in ast.walk(node) if isinstance(one, ast.Attribute) and one.attr.isupper()} & {
            *LEVELS
        }

    def fields(self, node: ast.expr | None) -> Iterator[str]:
        """The names of all fields that an expression may hold."""
        match node:
            case ast.Dict():
                for key, value in zip(node.keys, node.values, strict=True):
                    yield from self.fields(value) if key is None else [getattr(key, "value", OPEN)]
            case ast.ListComp(elt=one):
                yield from self.fields(one)
            case ast.BinOp():
                yield from (*self.fields(node.left), *self.fields(node.right))
            case ast.IfExp():
                yield from (*self.fields(node.body), *self.fields(node.orelse))
            case ast.Name() if node.id in self._assigned:
                yield from (name for one in self._assigned[node.id] for name in self.fields(one))
                yield from self._added.get(node.id, ())
            case ast.Call(func=ast.Name(id="_known"), args=[held]):
                yield from self.fields(held)
            case ast.Call(func=ast.Name(id=name)) if name in self._functions:
                made = self._functions[name].body[-1]
                yield from _Names(self._functions[name], self._functions).fields(made.value)
            case None:
                return
            case _:
                yield OPEN


def _assigned(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Each name that a statement gives a value, and the value; that of a group is what its key answers."""
    match node:
        case ast.Assign():
            for target in node.targets:
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    yield from zip(target.elts, node.value.elts, strict=True)
                else:
                    yield target, node.value
        case ast.For(
            target=ast.Tuple(elts=[key, _]),
            iter=ast.Call(func=ast.Name(id="groupby"), keywords=[ast.keyword(value=made)]),
        ):
            yield key, ast.Call(func=made, args=[], keywords=[])


def rows() -> Iterator[tuple[str, ...]]:
    """A row for each line."""
    for word, line in found().items():
        level = " or ".join(sorted(line.levels, key=LEVELS.index))
        yield f"`{word}`", level, ", ".join(f"`{name}`" if name != OPEN else OPEN for name in line.fields), TOLD[word]


def fields() -> Iterator[tuple[str, ...]]:
    """What each field is."""
    return ((f"`{name}`", f"`NOTIFIER_{name.upper()}`", meant) for name, meant in MEANT.items())


def ids() -> Iterator[tuple[str, ...]]:
    """What the journal calls each of them."""
    return ((f"`{word}`", f"`{message_id(word)}`") for word in found())
