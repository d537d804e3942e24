"""core/ × each small change to it → which of them no test of core/ sees, and why that may be; run by `make mutants`.

python tests/mutants.py [module …] [file of tests …]: of these modules by these tests, else of all by all.

pytest collects once, and each change is tried in a child of that process. A function is given its other code, and the
tests that called it are run. Where it runs when a module is imported, all is imported anew, and all tests are run.
"""

import gc
import importlib.util
import os
import re
import resource
import sys
import sysconfig
import time
import tomllib
from collections import defaultdict
from functools import _lru_cache_wrapper
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import HealthCheck, Phase, settings
from mutating import changes

ROOT = Path(__file__).parent.parent
CORE = ROOT / "notifier" / "core"
LISTED = ROOT / "tests" / "mutants.toml"
"""Module → what no test sees → why that may be."""
TESTS = [str(ROOT / "tests" / "core")]
OPTIONS = [
    *("-q", "-s", "-x", "--no-header", "--no-summary", "--assert=plain", "-p", "no:cacheprovider"),
    *("-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT)),
]
LONGEST = 10
"""Seconds of processor that a test may take beyond five times what it takes: a change that makes it endless is seen."""
MOST_MEMORY = 4 << 30
INSTALLED = tuple(sysconfig.get_paths()[kind] for kind in ("stdlib", "platstdlib", "purelib", "platlib"))
UNSEEN = 7
"""How a child ends for whose change no test fails. Another end is an error or a signal, and so the change is seen."""
settings.register_profile(
    "mutants",
    deadline=None,
    max_examples=25,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)  # the same examples at every run, whatever else the machine does


def main(names):
    """Try what is named; 0 where what no test sees is what is listed."""
    tests = [name for name in names if name.endswith(".py")]
    modules = [name for name in names if not name.endswith(".py")]
    trial = Trial(modules or sorted(path.stem for path in CORE.glob("[a-z]*.py")))
    began = time.monotonic()
    ended = pytest.main([*OPTIONS, *(tests or TESTS)], plugins=[trial])
    print(f"{trial.total} changes, {trial.seen} seen, {trial.listed} listed, in {time.monotonic() - began:.0f} s")
    return int(ended) or int(trial.wrong > 0)


class Trial:
    """The plugin of pytest that tries the changes instead of running the tests."""

    def __init__(self, modules):
        self.modules = modules
        self.reasons = tomllib.loads(LISTED.read_text())
        self.total = self.seen = self.listed = self.wrong = 0
        self.imported, self.callers, self.seconds = set(), defaultdict(set), {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self):
        """Whatever is called from here on is called while modules are imported."""
        settings.load_profile("mutants")
        note_calls(self.imported)

    def pytest_collection_finish(self):
        """All of them are imported."""
        sys.settrace(None)

    def pytest_runtestloop(self, session):
        """The tests with nothing changed, then each change."""
        for item in session.items:
            self.run(item)
        self.functions, self.caches = living()
        gc.freeze()  # so that children share the memory
        self.be_honest(session.items)
        for module in self.modules:
            self.try_all(module)
        return True

    def run(self, item):
        """Learn how long a test takes, and what it calls."""
        called, began = set(), time.process_time()
        note_calls(called)
        good = passes(item, LONGEST)
        sys.settrace(None)
        self.seconds[item] = time.process_time() - began
        if not good:
            pytest.exit(f"fails with nothing changed: {item.nodeid}", returncode=1)
        for code in called:
            self.callers[code].add(item)

    def be_honest(self, items):
        """Where nothing is changed no test fails in a child, in either way; where all of a module is gone one does."""
        path = CORE / f"{self.modules[0]}.py"
        same, none = (compile(text, path, "exec") for text in (path.read_text(), ""))
        again = [
            lambda: all(passes(item, self.seconds[item]) for item in items),
            lambda: self.passes_anew(path, same),
            lambda: self.passes_anew(path, none),
        ]
        if [end == UNSEEN for end in in_children(again)] != [True, True, False]:
            pytest.exit("tests that are run again in a child do not tell what they told before", returncode=1)

    def try_all(self, module):
        """Try each change to a module, and tell of what no test sees and the list does not have, and the other way."""
        path = CORE / f"{module}.py"
        found = list(changes(path.read_text()))
        ends = in_children(self.trial(path, change) for change in found)
        unseen = [change for change, end in zip(found, ends, strict=True) if end == UNSEEN]
        reasons = self.reasons.get(module, {})
        new = [f"{module}.py:{change.place.line}: {change.key}" for change in unseen if change.key not in reasons]
        old = [f"listed, but seen: {key}" for key in reasons.keys() - {change.key for change in unseen}]
        print(f"{module}: {len(found)} changes, {len(found) - len(unseen)} seen, {len(unseen) - len(new)} listed")
        for line in (*new, *old):
            print(f"  {line}", flush=True)
        self.total += len(found)
        self.seen += len(found) - len(unseen)
        self.listed += len(unseen) - len(new)
        self.wrong += len(new) + len(old)

    def trial(self, path, change):
        """What tries a change: it returns whether the tests pass nevertheless."""
        functions = self.functions.get((str(path), *change.place.function), []) if change.place.function else []
        codes = {function.__code__ for function in functions}
        if not codes or codes & self.imported:
            return lambda: self.passes_anew(path, change.compiled(path))
        items = sorted({item for code in codes for item in self.callers[code]}, key=self.seconds.get)

        def passes_in_place():
            code = change.compiled(path)
            for function in functions:
                function.__code__ = standing_at(function.__code__, code)
            for cached in self.caches:
                cached.cache_clear()
            return all(passes(item, self.seconds[item]) for item in items)

        return passes_in_place

    def passes_anew(self, path, code):
        """Whether all tests pass, with another code of a module; first those that name it."""
        sys.meta_path.insert(0, Changed(f"notifier.core.{path.stem}", str(path), code))
        files = sorted({str(item.path) for item in self.seconds})
        named = [file for file in files if re.search(rf"notifier\.core\.{path.stem}\b", Path(file).read_text())]
        for some in (named, [file for file in files if file not in named]):
            forget_modules()
            quickest = Quickest({item.nodeid: taken for item, taken in self.seconds.items()})
            if some and pytest.main([*OPTIONS, *some], plugins=[quickest]) != pytest.ExitCode.OK:
                return False
        return True


class Quickest:
    """The plugin of pytest that has the quickest tests go first, and none for longer than it may take."""

    def __init__(self, seconds):
        self.seconds = seconds

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self):
        """The tests are imported from here on."""
        settings.load_profile("mutants")
        allow(LONGEST)

    def pytest_collection_modifyitems(self, items):
        """A test whose name came of the change is as quick as any."""
        items.sort(key=lambda item: self.seconds.get(item.nodeid, 0))

    def pytest_runtest_setup(self, item):
        """It begins."""
        allow(self.seconds.get(item.nodeid, LONGEST))


class Changed(SourceFileLoader):
    """Finds and loads one module, with a code of its own."""

    def __init__(self, name, path, code):
        super().__init__(name, path)
        self.code = code

    def find_spec(self, name, path=None, target=None):
        """Where the module is."""
        return importlib.util.spec_from_file_location(name, self.path, loader=self) if name == self.name else None

    def get_code(self, fullname):
        """What it runs."""
        return self.code


# --- what is in this process


def note_calls(called):
    """From here on, note the code of each function of core/ that is called."""
    here = f"{CORE}/"

    def note(frame, event, arg):
        if frame.f_code.co_filename.startswith(here):
            called.add(frame.f_code)

    sys.settrace(note)


def living():
    """All functions, by file, name and first line, and all that remembers what functions have answered."""
    functions, caches = defaultdict(list), []
    for one in gc.get_objects():
        if isinstance(one, FunctionType):
            code = one.__code__
            functions[code.co_filename, code.co_qualname, code.co_firstlineno].append(one)
        elif isinstance(one, _lru_cache_wrapper):
            caches.append(one)
    return functions, caches


def standing_at(place, code):
    """The function's code, within that of a module, that stands where another stood."""
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            if (inner.co_qualname, inner.co_firstlineno) == (place.co_qualname, place.co_firstlineno):
                return inner
            if found := standing_at(place, inner):
                return found
    return None


def forget_modules():
    """All that are not installed, but for those that are at work here."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and not file.startswith(INSTALLED) and name not in {"__main__", "mutating"}:
            del sys.modules[name]


def passes(item, seconds):
    """Run a test that took so many seconds before."""
    allow(seconds)
    return all(report.passed for report in runtestprotocol(item, log=False, nextitem=None))


def allow(seconds):
    """What comes next takes so many seconds, or ends the process if it takes far longer."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    end = int(used.ru_utime + used.ru_stime + 5 * seconds + LONGEST)
    resource.setrlimit(resource.RLIMIT_CPU, (end, resource.RLIM_INFINITY))


# --- children


def in_children(trials):
    """How each ends, in their order; as many at a time as there are processors."""
    order, ends = [], {}
    for trial in trials:
        if len(order) - len(ends) >= (os.cpu_count() or 1):
            child, ends[child] = os.wait()
        order.append(start(trial))
    while len(ends) < len(order):
        child, ends[child] = os.wait()
    return [os.waitstatus_to_exitcode(ends[child]) for child in order]


def start(trial):
    """Try it in a process of its own, which says nothing."""
    child = os.fork()
    if child:
        return child
    end = 0
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
        end = UNSEEN if trial() else 0
    finally:
        os._exit(end)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
