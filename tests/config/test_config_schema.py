"""`config.schema.json`, by which an editor reads a config: what it can know to be wrong it shows, and nothing else."""

import json
import re
import shutil
import subprocess
import sysconfig
import tomllib
from pathlib import Path

import describing
import pytest
from jsonschema import Draft202012Validator

EXAMPLE = describing.ROOT / "config.example.toml"
HEAD = "#:schema ./config.schema.json\n"
"""By which editors find the schema of a file."""
BAD = sorted((Path(__file__).parent / "bad").glob("*.toml"))
TOMBI = Path(sysconfig.get_path("scripts")) / "tombi"


@pytest.fixture
def editor(tmp_path):
    """What an editor with Tombi would show of each config: its messages by the file's name, and nothing where none."""
    shutil.copy(describing.SCHEMA, tmp_path)

    def shown(configs):
        for name, text in configs.items():
            (tmp_path / name).write_text(text)
        form = ["--diagnostics-format", "json", "--diagnostics-file", "shown.json"]
        subprocess.run([TOMBI, "lint", "--offline", *form, *configs], cwd=tmp_path, capture_output=True, check=False)
        found = {}
        for one in json.loads((tmp_path / "shown.json").read_text()):
            found.setdefault(one["path"], []).append(one["message"])
        return found

    return shown


def document(path):
    """As JSON would have it; None where it is no TOML, or none that JSON could hold."""
    try:
        return json.loads(json.dumps(tomllib.loads(path.read_bytes().decode("utf-8-sig")), default=str))
    except (ValueError, RecursionError):
        return None


def test_the_committed_schema_is_the_one_that_the_program_prints():
    assert describing.SCHEMA.read_text() == describing.schema_of_the_config(), "make fix"


def test_the_example_names_its_schema_and_an_editor_has_nothing_against_it_with_and_without_its_defaults(editor):
    text = EXAMPLE.read_text()
    assert text.startswith(HEAD)
    whole = re.sub(r"^# (?=[a-z_]+ = )", "", text, flags=re.MULTILINE)
    assert whole != text
    assert editor({"example.toml": text, "whole.toml": whole, "bad.toml": f"{HEAD}[stroe]"}) == {
        "bad.toml": ['"stroe" is not allowed']
    }


def test_every_fault_that_a_schema_can_know_is_shown(editor):
    validator = Draft202012Validator(json.loads(describing.SCHEMA.read_text()))
    whole = {path.name: path for path in BAD if document(path) is not None}
    knowable = {name for name, path in whole.items() if not validator.is_valid(document(path))}
    assert len(knowable) > 100
    found = editor({name: HEAD + path.read_bytes().decode("utf-8-sig") for name, path in whole.items()})
    assert knowable <= found.keys()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("called-with-output-of-two-words", "does not match the pattern"),
        ("unknown-key-of-source", "is not allowed"),
        ("missing-url", '"url" is required'),
        ("baseline-misspelt", 'the value must be one of ["silent", "announce"]'),
    ],
)
def test_a_fault_is_shown_in_words(editor, name, message):
    text = (Path(__file__).parent / "bad" / f"{name}.toml").read_text()
    [said] = editor({"config.toml": HEAD + text})["config.toml"]
    assert message in said
