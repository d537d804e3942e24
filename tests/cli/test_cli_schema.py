"""`notifier schema`: of the config, held to every config of the tests; of the webhooks, to the golden ones."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from notifier.core.events import EVENT_TYPES

ROOT = Path(__file__).parent.parent.parent
COMMENTED = re.compile(r"^# (?=[a-z_]+ = )", re.MULTILINE)
"""What stands before a key that has its default."""
GOLDEN = sorted((ROOT / "tests" / "render").glob("*.json"))


def validator(program, *of):
    code, out, err = program("schema", *of)
    assert (code, err) == (0, "")
    document = json.loads(out)
    Draft202012Validator.check_schema(document)
    return Draft202012Validator(document)


def config(text):
    """As JSON would have it."""
    return json.loads(json.dumps(tomllib.loads(text), default=str))


def test_the_example_is_a_config_with_and_without_its_defaults(program):
    schema = validator(program)
    text = (ROOT / "config.example.toml").read_text()
    for one in (text, COMMENTED.sub("", text)):
        assert list(schema.iter_errors(config(one))) == []


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[[sources]]\nname = 'a b'\nprovider = 'upload_post'\napi_key = 'x'", "sources/0/name"),
        ("[[sources]]\nname = 'a'\nprovider = 'upload-post'\napi_key = 'x'", "sources/0/provider"),
        ("[delivery]\nmax_in_flight = 0", "delivery/max_in_flight"),
        ("[delivery]\norder = 'strictly'", "delivery/order"),
        ("[server]\ntoken = { env = 'A', file = 'b' }", "server/token"),
        ("[server]\nlisten_to = ''", "server"),
    ],
)
def test_what_no_config_may_say_is_found_where_it_is(program, text, where):
    assert where in {"/".join(map(str, error.path)) for error in validator(program, "config").iter_errors(config(text))}


def test_every_webhook_is_of_the_schema_of_its_type(program):
    schema = validator(program, "events")
    assert set(EVENT_TYPES) <= schema.schema["$defs"].keys()
    for path in GOLDEN:
        body = json.loads(path.read_text())
        assert schema.is_valid(body) is (".cloudevents" not in path.name), path.name
        assert not schema.is_valid({**body, "type": "upload.unheard_of"})
