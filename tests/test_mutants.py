"""What no test of core/ sees is listed with a reason, and whoever looks for it finds it."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from mutating import changes

TESTS = Path(__file__).parent
CORE = TESTS.parent / "notifier" / "core"
ENDLESS = """
import mutants

def endless():
    mutants.allow(0)
    while True:
        pass

mutants.LONGEST = 1
[end] = mutants.in_children([endless])
print("seen" if end != mutants.UNSEEN else "unseen")
"""
LISTED = tomllib.loads((TESTS / "mutants.toml").read_text())
HALF_BLIND = """
from notifier.core.spread import Spread

def test_what_is_below_0_counts_as_0():
    one = Spread((1.0,))
    one.add(-5.0)
    assert one.sum == 0.0
"""


def reads(text):
    return [change.key for change in changes(text)]


def compiled(text):
    """What `x` is with each change to a module that sets it."""
    found = []
    for change in changes(text):
        space = {"y": 5}
        exec(change.compiled("a.py"), space)
        found.append(space["x"])
    return found


def ran(*arguments):
    """What Python says with these arguments, in the folder of the tests; it traces calls, as coverage would."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE", "PYTEST"))}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=TESTS, env=environ, capture_output=True, text=True, check=False)


# --- the list


@pytest.mark.parametrize("module", LISTED)
def test_what_is_listed_is_there_and_has_a_reason(module):
    there = set(reads((CORE / f"{module}.py").read_text()))
    assert LISTED[module].keys() <= there
    assert all(len(reason.split()) > 2 for reason in LISTED[module].values())


# --- the changes


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("x = 'y'", ["'y' → 'another', in x = 'y'"]),
        ("x = y < 5", ["y < 5 → y <= 5", "5 → 6, in y < 5"]),
        ("x = not y", ["not y → y"]),
        ("x = y and z", ["y and z → z", "y and z → y"]),
        ("x = y if z else a", ["y if z else a → y", "y if z else a → a"]),
        ("x = min(y, key=z)", ["min(y, key=z) → max(y, key=z)", "without key=z, in min(y, key=z)"]),
        ("x = [z for z in y if z]", ["without z, in (… for z in y if z)"]),
        ("x = {y: z}", ["without y, in {y: z}"]),
        ("x = (y, z)", ["without y, in (y, z)", "without z, in (y, z)"]),
        ("x, y = z", []),
        ("x = y[z:]", ["z: → :"]),
        ("if y:\n    x", ["if y: → if True:", "if y: → if False:", "x → pass"]),
        ("def f(x=True):\n    'It.'\n    raise y", ["True → False, in x=True", "f: raise y → pass"]),
        ("class C:\n    def f(self) -> 1:\n        self.x = y", ["C.f: self.x = y → pass"]),
        ("Steps = tuple[float, ...]", []),
        ("x = zip(y, z, strict=True)", []),
    ],
)
def test_each_spot_is_changed_once_in_each_way(text, there):
    assert reads(text) == there


def test_a_module_has_one_change_at_a_time():
    assert compiled("x = y - 1 if y > 4 else 0") == [4, 0, 4, 0, 6, 3, 4]


# --- who looks for what no test sees


def test_what_no_test_sees_of_two_modules_is_what_is_listed():
    """Two that take seconds, one of them with something listed; `make mutants` tries all."""
    modules = ("digest", "spread")
    told = ran("mutants.py", *modules, *(TESTS / "core" / f"test_{module}.py" for module in modules))
    assert told.returncode == 0, told.stdout
    assert re.findall(r"^(\w+): (\d+) changes", told.stdout, re.MULTILINE) == [
        (module, str(len(reads((CORE / f"{module}.py").read_text())))) for module in modules
    ]
    assert LISTED["spread"]


def test_a_change_that_no_test_sees_is_told_and_is_a_failure(tmp_path):
    tests = tmp_path / "test_half_blind.py"
    tests.write_text(HALF_BLIND)
    told = ran("mutants.py", "spread", tests)
    assert told.returncode == 1
    assert "Spread.add: self.sum += value → pass" in told.stdout
    assert "Spread.copy: without counts=self.counts.copy()" in told.stdout
    assert "Spread.add: max(0.0, value) → min(0.0, value)" not in told.stdout  # seen by another code of a function
    assert "Spread: 0.0 → 1.0, in sum: float = 0.0" not in told.stdout  # seen by importing all anew


def test_nothing_is_tried_where_a_test_fails_with_nothing_changed(tmp_path):
    failing = tmp_path / "test_failing.py"
    failing.write_text("def test_it():\n    assert False\n")
    told = ran("mutants.py", "spread", failing)
    assert told.returncode == 1
    assert "fails with nothing changed" in told.stdout + told.stderr
    assert "spread: " not in told.stdout


def test_a_change_that_makes_a_test_endless_is_seen():
    assert ran("-c", ENDLESS).stdout == "seen\n"


def test_the_table_in_the_docs_is_of_all_modules_that_can_be_changed():
    told = (TESTS.parent / "docs" / "reliability.md").read_text()
    table = told[told.index("| module | changes | listed |") :].split("\n\n")[0]
    named = re.findall(r"\| (\w+) \| \d+ \| \d+ ", table)
    assert sorted(named) == sorted(file.stem for file in CORE.glob("*.py") if reads(file.read_text()))
