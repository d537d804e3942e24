"""`config.example.toml`: every key once, its default behind it, and all of it right."""

import re
import shutil
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from configs import WHSEC

from notifier.config import load
from notifier.config.models import (
    AuthTable,
    DeliveryTable,
    EncodingTable,
    EndpointTable,
    FieldsTable,
    File,
    ListTable,
    SendingTable,
    ServerTable,
    SingleTable,
    SourceTable,
    StoreTable,
    TargetsTable,
)
from notifier.providers import PROVIDERS

PATH = Path(__file__).parents[2] / "config.example.toml"
IDENTITY = Path(__file__).parents[1] / "webhook" / "certificates" / "good.pem"
"""A certificate and its key."""
TEXT = PATH.read_text()
COMMENTED = re.compile(r"^# (?=[a-z_]+ = )", re.MULTILINE)
WHOLE = COMMENTED.sub("", TEXT)
ENVIRON = {
    "STATE_DIRECTORY": "/var/lib/notifier",
    "UPLOAD_POST_API_KEY": "k",
    "XENONFLARE_API_KEY": "k",
    "SCHEDPILOT_API_KEY": "k",
    "ENCODING_COM_USER_KEY": "k",
    "TRANSCODER_KEY": "k",
    "APP_WEBHOOK_SECRET": WHSEC,
    "APP_TOKEN": "t",
    "PARTNER_WEBHOOK_SECRET": WHSEC,
    "PARTNER_PASSWORD": "p",
}
OWN = EndpointTable.model_fields.keys() - SendingTable.model_fields.keys()
"""Keys of an endpoint that are not those of `[delivery]`."""
EACH = {"name", "provider", "api_key"}
"""What each of the sources must say."""
DESCRIBED = {"base_url", "statuses", "list", "single", "fields", "targets"}
"""What the source that describes an API says besides; of list and single one would do, and targets need not be."""
NO_DEFAULT = {"url", "socket", "token", "encoding", "bearer", "basic", "ca_file", "client_cert", "client_key"}
"""Optional keys whose default is none: the file has an example."""


def keys_of(text):
    """Which keys stand in which table, and how often."""
    document = tomllib.loads(text)
    return {
        "store": Counter(document["store"].keys()),
        "server": Counter(document["server"].keys()),
        "encoding": Counter(document["server"].get("encoding", {}).keys()),
        "delivery": Counter(document["delivery"].keys()),
        "sources": Counter(key for source in document["sources"] for key in source),
        "endpoints": Counter(key for endpoint in document["endpoints"] for key in endpoint),
    }


def test_the_example_is_right_as_it_stands(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(TEXT)
    settings = load(path, ENVIRON)
    assert settings.warnings == ()
    assert [source.provider for source in settings.sources] == list(PROVIDERS)


def test_the_example_is_right_with_every_key(tmp_path):
    (tmp_path / "credentials").mkdir()
    for name in ("api-token", "credentials/encoding-key"):
        (tmp_path / name).write_text("s3cret")
    for name in ("partner-ca.pem", "client.pem", "client-key.pem"):
        shutil.copy(IDENTITY, tmp_path / name)
    path = tmp_path / "config.toml"
    path.write_text(WHOLE.replace("/etc/notifier/api-token", str(tmp_path / "api-token")))
    settings = load(path, {**ENVIRON, "CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")})
    assert settings.warnings == ()


def test_every_key_stands_there_once():
    assert keys_of(WHOLE) == {
        "store": Counter(StoreTable.model_fields.keys()),
        "server": Counter(ServerTable.model_fields.keys()),
        "encoding": Counter(EncodingTable.model_fields.keys()),
        "delivery": Counter(DeliveryTable.model_fields.keys()),
        "sources": Counter(SourceTable.model_fields.keys())
        + Counter({"name": len(PROVIDERS) - 1, "provider": len(PROVIDERS) - 1, "api_key": 2, "base_url": 1}),
        "endpoints": Counter(OWN) + Counter({"name": 2, "url": 2, "secrets": 1, "format": 1}),
    }
    assert tomllib.loads(WHOLE).keys() == File.model_fields.keys()


@pytest.mark.parametrize(
    ("key", "model"),
    [
        ("auth", AuthTable),
        ("list", ListTable),
        ("single", SingleTable),
        ("fields", FieldsTable),
        ("targets", TargetsTable),
    ],
)
def test_every_key_of_a_description_stands_there(key, model):
    *_, transcoder = tomllib.loads(WHOLE)["sources"]
    assert transcoder[key].keys() == model.model_fields.keys()
    *_, bare = tomllib.loads(TEXT)["sources"]
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    assert required <= set(bare.get(key, required))


def test_what_is_not_a_comment_has_no_default():
    left = {table: set(keys) for table, keys in keys_of(TEXT).items()}
    required = {key for key, field in EndpointTable.model_fields.items() if field.is_required()}
    assert {table: keys for table, keys in left.items() if keys} == {
        "sources": EACH | DESCRIBED | {"user_id", "user_key"},
        "endpoints": required | {"secrets", "format"},
    }


@pytest.mark.parametrize(
    ("name", "model"), [("store", StoreTable), ("server", ServerTable), ("delivery", DeliveryTable)]
)
def test_what_a_table_says_is_its_default(name, model):
    for key, value in tomllib.loads(WHOLE)[name].items():
        if key in NO_DEFAULT:
            assert model.model_fields[key].default is None
        else:
            assert value == model.model_fields[key].default, key


def test_what_an_endpoint_says_is_its_default():
    *signed, legacy = tomllib.loads(WHOLE)["endpoints"]
    assert legacy.pop("format") == "encoding_com"
    for endpoint in (*signed, legacy):
        for key in endpoint.keys() - {"secrets"}:
            field = EndpointTable.model_fields[key]
            default = None if key in NO_DEFAULT else endpoint[key]
            assert field.is_required() or default == field.default, key


@pytest.mark.parametrize("number", [0, 1])
def test_what_a_source_says_is_its_default_or_its_providers(number):
    source = tomllib.loads(WHOLE)["sources"][number]
    provider = PROVIDERS[source["provider"]]
    theirs = {
        "base_url": provider.base_url,
        "kinds": list(provider.kinds),
        "budget": f"{provider.budget.count:g}/m",
    }
    assert provider.budget.seconds == 60
    for key in source.keys() - EACH:
        assert source[key] == theirs.get(key, SourceTable.model_fields[key].default), key


def test_every_key_has_a_comment():
    lines = [line for line in TEXT.splitlines() if COMMENTED.match(line)]
    assert len(lines) > 20
    assert [line for line in lines if "  # " not in line] == []
