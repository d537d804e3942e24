"""The documents are true: what they name is there, what they show works."""

import json
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import tables
from configs import WHSEC

from notifier import __version__
from notifier.config import load
from notifier.core.model import Status
from notifier.core.signing import headers, parse_secret
from notifier.providers import PROVIDERS, encoding_com_formats

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
NOT_OURS = {"node_modules", "__pycache__", "dist", "build", ".venv", ".git"}
DOCUMENTS = sorted(path for path in ROOT.rglob("*.md") if not NOT_OURS & set(path.relative_to(ROOT).parts))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = FENCE.findall(README)
DOCS = ROOT / "docs"
MOST_LINES_OF_THE_README = 90
MOST_LINES_OF_A_DECISION = 30
OF_A_WORKPLACE = re.compile(
    r"[/]work[/]|[.][.]/shared|[p]ypi[.]org|[p]ythonhosted|[n]pmjs[.]|[r]egistry[.]yarnpkg|[a]rtifactory"
)
"""Paths of one machine, and hosts of registries; spelled so as not to be found here."""


def block(language, number=0, path=ROOT / "README.md"):
    """What stands in a fenced block of a document."""
    return [text for spelled, text in FENCE.findall(path.read_text()) if spelled == language][number]


def by_path(path):
    return path.relative_to(ROOT).as_posix()


# --- the README


def test_the_first_two_blocks_are_the_two_commands():
    assert [text for _, text in BLOCKS[:2]] == ["make demo\n", "make test\n"]
    before = README[: README.index("make test")]
    assert not re.search(r"^(    |\t|~~~)", before, re.MULTILINE)  # nor is there any other kind of block
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"^demo:", makefile, re.MULTILINE)
    assert re.search(r"^test:", makefile, re.MULTILINE)


def test_the_long_forms_are_so_many_times_as_long_as_the_short_ones():
    makefile = (ROOT / "Makefile").read_text()
    kill, soak, *stories = (
        (ROOT / "tests" / f"test_{name}.py").read_text()
        for name in ("kill", "soak", "story", "lanes", "health_story", "provider_story")
    )
    assert f"times,$(KILLS),{re.search(r'^KILLS = (.+)$', kill, re.MULTILINE)[1]})" in makefile
    assert f"times,$(MINUTES) * 60,{re.search(r'^SECONDS = (.+) . LONGER$', soak, re.MULTILINE)[1]})" in makefile
    told = sum(
        int(re.search(r"max_examples=(\d+) . LONGER", text)[1]) * len(re.findall(r"^Test\w+ = ", text, re.MULTILINE))
        for text in stories
    )
    assert f"times,$(STORIES),{told})" in makefile


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
def test_make_tells_what_can_be_made():
    asked = ["make", "--no-print-directory", "help"]
    told = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    assert sorted(line.split()[0] for line in told.splitlines()) == sorted(phony.split())


def test_the_config_is_right(tmp_path):
    path = tmp_path / "config.toml"
    text = block("toml") + "\n" + block("toml", path=DOCS / "config.md")
    path.write_text(text)
    assert len(block("toml").splitlines()) <= 10
    assert len(README.splitlines()) <= MOST_LINES_OF_THE_README
    names = re.findall(r'env = "(\w+)"', text)
    settings = load(path, {**dict.fromkeys(names, WHSEC), "STATE_DIRECTORY": "/var/lib/notifier"})
    assert settings.warnings == ()
    assert [source.provider for source in settings.sources] == list(PROVIDERS)
    assert [endpoint.name for endpoint in settings.endpoints] == ["app", "ops"]


def test_every_type_of_an_upload_s_events_is_named():
    told = re.search(r"`type` is `upload\.` and the new status \(`([^`]+)`\)", (DOCS / "events.md").read_text())[
        1
    ].split()
    assert told == list(Status)


def test_a_webhook_is_verified_as_it_is_shown(monkeypatch, capsys):
    monkeypatch.setenv("APP_WEBHOOK_SECRET", WHSEC)
    body = (ROOT / "tests" / "render" / "completed.json").read_bytes()
    given = headers([parse_secret(WHSEC)], "evt_1", int(time.time()), body)
    shown = block("python", path=DOCS / "how-to" / "verify.md")
    assert len([line for line in shown.splitlines() if line]) == 5
    exec(shown, {"body": body, "headers": given})
    upload = json.loads(body)["data"]["upload"]
    assert capsys.readouterr().out == f"upload.completed {upload['id']} completed\n"


def test_the_service_is_installed_where_the_unit_looks_for_it():
    install = "".join(text for language, text in FENCE.findall((DOCS / "systemd.md").read_text()) if language == "sh")
    unit = (ROOT / "systemd" / "notifier.service").read_text()
    program = re.search(r"^ExecStart=(\S+)/bin/notifier run --config (\S+)$", unit, re.MULTILINE)
    credentials = re.search(r"^LoadCredential=notifier:(\S+)$", unit, re.MULTILINE)
    for place in (*program.groups(), credentials[1]):
        assert place in install
    for file in re.findall(r"systemd/\S+|requirements\S+", install):
        if not file.startswith("systemd/system"):
            assert (ROOT / file).exists(), file


def test_the_tree_is_the_modules_that_exist():
    package = ROOT / "notifier"
    modules = {path.relative_to(ROOT).as_posix() for path in package.rglob("*.py") if path.name != "__init__.py"}
    packages = {f"{by_path(path.parent)}/" for path in package.rglob("__init__.py")}
    assert {"notifier/core/model.py", "notifier/core/"} <= modules | packages
    drawn = [
        (path, words)
        for text in (text for _, text in FENCE.findall(ARCHITECTURE) if text.startswith("notifier/"))
        for path, words in paths(text)
    ]
    assert sorted(path for path, _ in drawn) == sorted(modules | packages)
    assert [path for path, words in drawn if not words] == []


def paths(tree):
    """Each path of a tree that is drawn, and the words beside it."""
    above = []
    for line in tree.splitlines():
        drawn, name, words = re.fullmatch(r"([│├└─ ]*)(\S+)\s*(.*)", line).groups()
        above[len(drawn) // 4 :] = [name]
        yield "".join(above), words


# --- the tables


def test_the_tables_are_those_of_the_code():
    text = "".join(one.read_text() for one in tables.DOCUMENTS)
    assert tables.filled(text) == text, "make fix"
    assert sorted(name for _, name, _ in tables.TABLE.findall(text)) == sorted(tables.TABLES)


def test_no_word_is_missing_of_those_that_encoding_com_would_have_used():
    """Every status of every provider is in a row, and each of Encoding.com's own words in its own."""
    for name, theirs in (("called uploads", tables.MEDIA), ("called targets", tables.FORMATS)):
        rows = [line.strip("| ").split(" | ") for line in tables.TABLES[name].splitlines()[2:]]
        for column, words in enumerate(theirs.values(), start=1):
            shown = [word for row in rows for word in re.findall(r"`([^`]+)`", row[column])]
            assert sorted(shown) == sorted(words)
        assert [row[-1] for row in rows] == [row[0] for row in rows] == [f"`{word}`" for word in tables.TEN]
    known = {word for word, meant in encoding_com_formats.STATUSES.items() if meant is not Status.GONE}
    assert {encoding_com_formats.spelled(word) for word in tables.TEN} == known


def test_every_provider_has_its_section():
    sections = re.split(r"^## ", tables.DOCUMENT.read_text(), flags=re.MULTILINE)[1:]
    names = [re.sub(r"\W", "_", section.splitlines()[0].strip("`").lower()) for section in sections]
    assert names[-len(PROVIDERS) :] == list(PROVIDERS)


@pytest.mark.parametrize(
    ("seconds", "words"), [(1, "1 s"), (90, "90 s"), (600, "10 min"), (3600, "1 h"), (86400, "1 d"), (0.5, "0.5 s")]
)
def test_a_span_is_told_in_the_largest_unit_that_fits(seconds, words):
    assert tables.span(seconds) == words


# --- every document


@pytest.mark.parametrize("path", DOCUMENTS, ids=by_path)
def test_every_link_leads_somewhere(path):
    text = FENCE.sub("", path.read_text())
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        file, _, heading = target.partition("#")
        if "://" in target:
            continue
        assert not file or (path.parent / file).exists(), target
        if heading:
            of = (path.parent / file if file else path).read_text()
            titles = re.findall(r"^#+ (.+)$", FENCE.sub("", of), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}, target


@pytest.mark.parametrize("path", DOCUMENTS, ids=by_path)
def test_every_test_and_file_that_is_named_is_there(path):
    text = path.read_text()
    there = "\n".join(each.read_text() for each in (ROOT / "tests").rglob("test_*.py"))
    for name in re.findall(r"`(test_\w+)`", text):
        assert re.search(rf"def {name}\b", there), name
    for file in re.findall(r"(?<![\w./-])(?:tests|bench|contrib|notifier|docs|systemd)/[\w./-]*\w\.\w+", text):
        assert (ROOT / file).exists(), file


def test_every_page_of_the_documents_can_be_reached_from_the_readme():
    index = DOCS / "README.md"
    linked = {
        (DOCS / target.partition("#")[0]).resolve() for target in re.findall(r"\]\(([^)\s:]+)\)", index.read_text())
    }
    pages = [path for path in DOCS.rglob("*.md") if path not in {*DECISIONS, index}]
    assert len(pages) > 10
    assert "](docs/README.md)" in README
    assert [by_path(path) for path in pages if path not in linked] == []


def test_documents_are_found():
    assert {"README.md", "ARCHITECTURE.md", "CHANGELOG.md"} <= {by_path(path) for path in DOCUMENTS}
    assert len(DECISIONS) > 10


def test_decisions_are_short_and_say_what_they_cost():
    for number, path in enumerate(DECISIONS, 1):
        text = path.read_text()
        assert len(text.splitlines()) <= MOST_LINES_OF_A_DECISION, path.name
        assert path.name.startswith(f"{number:04}-")
        assert text.startswith(f"# {number}. ")
        assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE) == ["Context", "Choice", "Price"], path.name


def test_the_version_is_in_the_changelog():
    """Released under its heading, or announced as what comes next."""
    text = (ROOT / "CHANGELOG.md").read_text()
    headings = re.findall(r"^## \[(.+?)\]", text, re.MULTILINE)
    assert headings[0] == "Unreleased"
    unreleased = text.split("\n## ")[1]
    assert __version__ in headings[1:2] or f"To be {__version__}" in unreleased


def files():
    """Everything that is kept under version control, as far as it is text."""
    for path in ROOT.rglob("*"):
        parts = path.relative_to(ROOT).parts
        hidden = parts[0].startswith(".") and parts[0] not in {".ci", ".gitignore", ".editorconfig"}
        if path.is_file() and not hidden and not NOT_OURS & set(parts):
            yield path


def test_nothing_tells_of_the_place_where_it_was_made():
    found = {by_path(path): OF_A_WORKPLACE.findall(path.read_text(errors="replace")) for path in files()}
    assert len(found) > 500
    assert {name: words for name, words in found.items() if words} == {}
