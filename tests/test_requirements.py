import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
REQUIREMENTS = ["requirements.txt", "requirements-dev.txt"]
AUDIT = "requirements-audit.txt"


@pytest.mark.parametrize("name", [*REQUIREMENTS, AUDIT, "Makefile", ".ci/run"])
def test_where_packages_come_from_is_the_business_of_the_machine(name):
    text = (ROOT / name).read_text()
    for word in ("://", "--index-url", "--extra-index-url", "--find-links", "--trusted-host"):
        assert word not in text


@pytest.mark.parametrize("name", [*REQUIREMENTS, AUDIT])
def test_every_requirement_is_pinned_and_has_its_hashes(name):
    for line in joined(name):
        assert re.fullmatch(r"[a-z0-9-]+==\S+( ; .+?)?( --hash=sha256:[0-9a-f]{64})+", line), line


@pytest.mark.parametrize("name", ["Makefile", "README.md"])
def test_a_newer_release_of_what_is_pinned_changes_nothing(name):
    for line in (ROOT / name).read_text().splitlines():
        assert "--no-deps" in line or "--require-hashes" not in line or "pip-audit" in line, line  # that installs none


def test_what_runs_in_the_tests_is_what_runs():
    always, tested = (
        {re.sub(" ; .+?(?= --hash)", "", line) for line in joined(name)} for name in REQUIREMENTS
    )  # wherever they are needed
    assert always <= tested


def test_no_lock_file_that_names_a_registry_is_kept():
    assert "uv.lock" in (ROOT / ".gitignore").read_text().split()
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("no git checkout: nothing is tracked")
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "uv.lock"]
    assert not subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout


def joined(name):
    """The requirements, each in one line."""
    return re.sub(r"\s*\\\n\s*", " ", (ROOT / name).read_text()).splitlines()
