"""The house rules that no linter knows: sizes, docstrings, purity, and where SQL, clocks and chance may be.

What the documents promise is in test_documents.py.
"""

import ast
import re
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "notifier"
MODULES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
TESTS = {path.relative_to(ROOT).as_posix(): path for path in sorted((ROOT / "tests").rglob("*.py"))}
BENCH = {path.relative_to(ROOT).as_posix(): path for path in sorted((ROOT / "bench").rglob("*.py"))}
ALL = {**{f"notifier/{name}": path for name, path in MODULES.items()}, **TESTS, **BENCH}

MOST_LINES_OF_A_FUNCTION = 50
MOST_LINES_OF_A_MODULE = 300
LONGER = {"core/model.py": "the nouns are one subject, and are read together"}
CORE_MAY_IMPORT = {
    "binascii", "bisect", "collections", "dataclasses", "datetime", "enum", "fnmatch", "functools", "hashlib", "heapq",
    "hmac", "ipaddress", "itertools", "json", "math", "operator", "re", "typing", "urllib",
}  # fmt: skip
CORE_MAY_LOAD = {"core/signing.py": {"cryptography"}}
"""What the standard library does not have, and values in, values out like all the rest: Ed25519."""
PACED = {"tests/killing.py": "the world moves on while a real process is killed; nothing is judged by the time"}
CLOCKS = {"time", "random", "secrets", "uuid"}
"""Modules of the standard library that know the moment, or toss coins."""
MAY_KNOW_THE_MOMENT = {
    "serving.py": "hands the real clock to who judges a reload, and to the server",
    "systemd.py": "systemd wants to know when a reload began",
    "wiring.py": "hands the real clock and chance to everyone else",
    "app.py": "defaults that a test replaces",
    "alarm.py": "APScheduler wants its moments by the real clock",
    "config/__init__.py": "its default, which a test replaces",
    "cli/control.py": "a command has a moment, which it hands on",
    "cli/doctor.py": "a command has a moment, which it hands on",
    "cli/secret.py": "makes keys of nothing but chance",
    "cli/listen.py": "a receiver of its own: it hands them on",
    "cli/verify.py": "a command has a moment, which it hands on",
    "store/database.py": "how long a commit takes, which only its thread can tell",
    "webhook/receiver.py": "its defaults, which a test replaces",
    "webhook/unused.py": "its default, which a test replaces",
    "demo/__init__.py": "hands the real clock to the demo",
    "demo/stage.py": "every demo has keys of its own",
    "demo/timeline.py": "chance with a fixed seed",
    "demo/stories.py": "as above, handed in",
}
SQL = re.compile(r"\b(SELECT\s.+\sFROM|INSERT\s(.+\s)?INTO|UPDATE\s+\S+\s+SET|DELETE\s+FROM|PRAGMA)\b", re.DOTALL)
UNFINISHED = re.compile("TO-DO|FIX-ME|X-XX|NotImplemented-Error".replace("-", ""))
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def nodes(path, *kinds):
    return [node for node in ast.walk(tree(path)) if isinstance(node, kinds)]


def imports(path):
    """The names of the modules that a module imports, in full."""
    plain = [alias.name for node in nodes(path, ast.Import) for alias in node.names]
    return plain + [node.module for node in nodes(path, ast.ImportFrom)]


def each(names):
    return pytest.mark.parametrize("name", sorted(names))


def test_there_is_a_house():
    assert len(MODULES) > 50
    assert len(TESTS) > 50


# --- size and shape


@each(ALL)
def test_functions_are_short(name):
    sizes = {node.name: node.end_lineno - node.lineno + 1 for node in nodes(ALL[name], *Function.__args__)}
    assert {function: lines for function, lines in sizes.items() if lines > MOST_LINES_OF_A_FUNCTION} == {}


def test_modules_are_one_subject():
    long = {name for name, path in MODULES.items() if len(path.read_text().splitlines()) > MOST_LINES_OF_A_MODULE}
    assert long == LONGER.keys()


@each(MODULES)
def test_every_public_name_says_what_it_is(name):
    assert list(undocumented(tree(MODULES[name]), name)) == []


def undocumented(node, name):
    """The public modules, classes and functions without a docstring; of an overloaded function one has it."""
    if not ast.get_docstring(node):
        yield name
    for child in node.body if not isinstance(node, Function) else ():
        if isinstance(child, ast.ClassDef | Function) and not child.name.startswith("_") and not is_overload(child):
            yield from undocumented(child, f"{name}: {child.name}")


def is_overload(node):
    return any(isinstance(one, ast.Name) and one.id == "overload" for one in node.decorator_list)


# --- what stands where


@each(name for name in MODULES if name.startswith("core/"))
def test_the_core_is_pure(name):
    assert nodes(MODULES[name], ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith) == []
    known = {module for module in imports(MODULES[name]) if not module.startswith("notifier.core.")}
    assert {module.split(".")[0] for module in known} <= CORE_MAY_IMPORT | CORE_MAY_LOAD.get(name, set())


@each(name for name in MODULES if not name.startswith("store/"))
def test_sql_is_in_the_store_alone(name):
    strings = [node.value for node in nodes(MODULES[name], ast.Constant) if isinstance(node.value, str)]
    assert [text for text in strings if SQL.search(text)] == []


def test_sql_is_known_when_it_is_seen():
    found = [name for name, path in MODULES.items() if SQL.search(path.read_text())]
    assert [name for name in found if name.startswith("store/")] == [
        "store/__init__.py",
        "store/callbacks.py",
        "store/compared.py",
        "store/database.py",
        "store/drop.py",
        "store/examination.py",
        "store/followed.py",
        "store/history.py",
        "store/latest.py",
        "store/laws.py",
        "store/media.py",
        "store/moments.py",
        "store/numbers.py",
        "store/outlook.py",
        "store/owed.py",
        "store/owing.py",
        "store/registering.py",
        "store/replay.py",
        "store/retention.py",
        "store/rows.py",
    ]


def test_clocks_and_chance_are_handed_in():
    assert {name for name, path in MODULES.items() if knows_the_moment(path)} == MAY_KNOW_THE_MOMENT.keys()


def knows_the_moment(path):
    """Whether a module imports a clock or chance, or asks `datetime` for the present."""
    asked = {ast.unparse(node) for node in nodes(path, ast.Attribute)}
    present = {f"{kind}.{word}" for kind in ("datetime", "date") for word in ("now", "utcnow", "today")}
    return bool(CLOCKS & set(imports(path)) or present & asked or "os.urandom" in asked)


@each(name for name in MODULES if not name.startswith(("cli/", "demo/")))
def test_only_commands_print(name):
    calls = [node.func for node in nodes(MODULES[name], ast.Call)]
    assert [call for call in calls if isinstance(call, ast.Name) and call.id == "print"] == []


def test_only_the_commands_know_the_demo():
    knows = {name for name, path in MODULES.items() if any(one.startswith("notifier.demo") for one in imports(path))}
    assert {name for name in knows if not name.startswith("demo/")} == {"cli/demo.py"}


@each(ALL)
def test_nothing_is_left_undone(name):
    assert UNFINISHED.findall(ALL[name].read_text()) == []


# --- the tests themselves


@each(TESTS)
def test_no_test_sleeps_or_mocks(name):
    calls = nodes(TESTS[name], ast.Call)
    sleeps = {ast.unparse(call) for call in calls if ast.unparse(call.func) in {"time.sleep", "asyncio.sleep"}}
    assert sleeps <= {"asyncio.sleep(0)"} or name in PACED  # of 0 seconds: it lets others go on
    assert not {module for module in imports(TESTS[name]) if module.split(".")[-1] in {"mock", "unittest"}}


def test_test_files_have_names_of_their_own():
    names = [path.name for path in TESTS.values() if path.name.startswith("test_")]
    assert len(names) == len(set(names))


def test_the_core_may_import_nothing_that_has_to_be_installed():
    assert sys.stdlib_module_names >= CORE_MAY_IMPORT
