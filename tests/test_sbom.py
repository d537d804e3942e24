"""The bill of materials has all that the lock has, and says the same each time."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from notifier import __version__

ROOT = Path(__file__).parent.parent
LOCK = (ROOT / "requirements.txt").read_text()


def made(folder=ROOT):
    command = [sys.executable, folder / "contrib" / "sbom.py"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def sbom():
    return json.loads(made().stdout)


def test_it_is_a_bill_of_this_version(sbom):
    assert (sbom["bomFormat"], sbom["specVersion"], sbom["version"]) == ("CycloneDX", "1.6", 1)
    us = sbom["metadata"]["component"]
    assert (us["name"], us["version"]) == ("notifier", __version__)
    assert sbom == json.loads(made().stdout)


def test_every_part_of_the_lock_is_in_it_with_its_digests(sbom):
    pinned = re.findall(r"^([a-z0-9-]+)==(\S+)", LOCK, re.MULTILINE)
    assert len(pinned) > 20
    assert [(part["name"], part["version"]) for part in sbom["components"]] == pinned
    digests = [
        one["value"] for part in sbom["components"] for one in part["properties"] if one["name"] == "notifier:sha256"
    ]
    assert digests == re.findall(r"sha256:([0-9a-f]{64})", LOCK)


def test_what_only_some_machines_need_is_optional_and_says_where(sbom):
    optional = {part["name"] for part in sbom["components"] if part.get("scope") == "optional"}
    assert optional == set(re.findall(r"^([a-z0-9-]+)==\S+ ; ", LOCK, re.MULTILINE))


def test_each_is_named_once_and_all_are_what_we_depend_on(sbom):
    refs = [part["bom-ref"] for part in sbom["components"]]
    assert len(refs) == len(set(refs))
    assert sbom["dependencies"] == [{"ref": "notifier", "dependsOn": refs}]


def test_a_lock_that_pins_nothing_is_told(tmp_path):
    (tmp_path / "contrib").mkdir()
    (tmp_path / "contrib" / "sbom.py").write_text((ROOT / "contrib" / "sbom.py").read_text())
    (tmp_path / "requirements.txt").write_text("aiohttp>=3\n")
    ended = made(tmp_path)
    assert ended.returncode != 0
    assert "expected name==version, and then its hashes: aiohttp>=3" in ended.stderr
