"""The config in effect, as it is shown: whole, valid TOML, each default marked, no secret."""

import json
import shutil
import tomllib
from pathlib import Path

import pytest
from configs import APP, DESCRIBED, ENCODINGS, ENVIRON, GOOD, KEY, LEGACY, LIST, MEDIA, POSTS, SINGLE, WHSEC

from notifier.config import read
from notifier.config.effective import as_json, as_toml
from notifier.config.models import DeliveryTable, EndpointTable, SendingTable, SourceTable
from notifier.providers import PROVIDERS

IDENTITY = Path(__file__).parents[1] / "webhook" / "certificates" / "good.pem"
HIDDEN = "hidden-in-a-header-or-a-query"


@pytest.fixture
def reading(tmp_path):
    """What a text says, read in `tmp_path`."""

    def reading(text, **environ):
        shutil.copy(IDENTITY, tmp_path)
        path = tmp_path / "config.toml"
        path.write_text(text)
        path.chmod(0o600)
        return read(path, {**ENVIRON, **environ})

    return reading


EVERYTHING = (
    POSTS.replace('{ env = "KEY" }', f'"{KEY}"')
    + 'base_url = "https://mirror.example.com/"\nuploads = ["\\u0022a\\u005c\\u00f6"]\n'
    + 'budget = "30/m"\nreserve = 1e-5\n'
    + MEDIA
    + ENCODINGS
    + DESCRIBED.replace('{ env = "KEY" }', f'"{KEY}"')
    + LIST.replace("limit=100", f"limit=100&token={HIDDEN}&{HIDDEN}")
    + SINGLE
    + 'ok = "!error"\ntargets = { items = "outputs", name = "preset", status = "s" }\n'
    + APP.replace("/hooks", f"/hooks?token={HIDDEN}")
    + f'headers = {{ X-Token = "{HIDDEN}", "x!y" = "{HIDDEN}" }}\ntimeout = "5s"\n'
    + f'bearer = "{KEY}"\nca_file = "good.pem"\nclient_cert = "good.pem"\nclient_key = "good.pem"\n'
    + APP.replace('"app"', '"crm"')
    + f'basic = {{ user = "notifier", password = "{KEY}" }}\n'
    + LEGACY
    + 'body = "json"\n'
    + f'[server]\ntoken = "{KEY}"\nencoding = {{ user_id = "1", user_key = "{KEY}" }}\n'
    + '[store]\nurl = "sqlite:a.db"\n[delivery]\nrate = "50/s"\ntimeout = "9s"\nallow_networks = ["10.0.0.0/8"]\n'
    + "allow_http = true\n"
)


def test_what_is_shown_is_toml_and_says_the_same_as_the_json(reading):
    one = reading(EVERYTHING)
    assert tomllib.loads(as_toml(one)) == as_json(one)["config"]


def test_what_is_shown_is_what_is_in_effect(reading, tmp_path):
    config = tomllib.loads(as_toml(reading(EVERYTHING)))
    assert config["store"] == {"url": f"sqlite://{tmp_path}/a.db", "keep": "30d"}
    assert config["server"] == {
        "socket": f"{tmp_path}/notifier.sock",
        "listen": "",
        "token": "***",
        "notify_urls": [],
        "notify_secrets": [],
        "encoding": {"user_id": "1", "user_key": "***"},
    }
    posts, media, encodings, jobs = config["sources"]
    assert posts["base_url"] == "https://mirror.example.com"
    assert posts["budget"] == "30/m"
    assert posts["uploads"] == ['"a\\ö']
    assert posts["reserve"] == 1e-5
    assert "kinds" not in posts
    assert media["base_url"] == PROVIDERS["xenonflare"].base_url
    assert media["kinds"] == ["videos", "images"]
    assert (encodings["user_id"], encodings["user_key"]) == ("85296", "***")
    assert encodings["base_url"] == PROVIDERS["encoding_com"].base_url
    assert jobs["auth"] == {"header": "Authorization", "value": "Bearer {secret}", "secret": "***"}
    assert jobs["list"] == {
        "url": "/jobs?limit=***&token=***&***&page={page}",
        "items": "data.jobs",
        "paging": "page",
        "more": "data.has_more",
    }
    assert jobs["single"] == {"url": "/jobs/{id}", "item": "data", "missing": [404, 410]}
    assert jobs["fields"] == {"status": "state", "id": "id"}
    assert jobs["targets"] == {"status": "s", "items": "outputs", "name": "preset"}
    assert jobs["target_statuses"] == {"waiting": "queued", "done": "completed", "error": "failed"}
    app, crm, legacy = config["endpoints"]
    assert app["timeout"] == "5s"
    assert app["rate"] == "50/s"
    assert app["order"] == "strict"
    assert app["url"] == "https://app.example.com/hooks?***"
    assert app["headers"] == {"X-Token": "***", "x!y": "***"}
    assert app["secrets"] == ["***"]
    assert (app["bearer"], app["client_key"]) == ("***", "good.pem")
    assert crm["basic"] == {"user": "notifier", "password": "***"}
    assert (legacy["format"], legacy["body"], legacy["output"]) == ("encoding_com", "json", "mp4")
    assert "secrets" not in legacy
    assert not {"body", "body_format", "output", "announce_ready", "notify_upload"} & (app.keys() | crm.keys())


def test_every_key_is_shown(reading):
    config = tomllib.loads(as_toml(reading(EVERYTHING)))
    assert config["delivery"].keys() == DeliveryTable.model_fields.keys()
    assert {key for source in config["sources"] for key in source} == SourceTable.model_fields.keys()
    assert {key for endpoint in config["endpoints"] for key in endpoint} == EndpointTable.model_fields.keys()


def test_each_value_tells_where_it_comes_from(reading):
    lines = as_toml(reading(EVERYTHING)).splitlines()
    app = lines[lines.index("[[endpoints]]") + 1 :]
    notes = {line.split(" = ")[0]: line.partition("  # ")[2] for line in app[: app.index("")]}
    assert {key: note for key, note in notes.items() if note != "default"} == {
        **dict.fromkeys(("name", "url", "secrets", "headers", "timeout"), ""),
        **dict.fromkeys(("bearer", "ca_file", "client_cert", "client_key"), ""),
        **dict.fromkeys(("rate", "allow_http", "allow_networks"), "from [delivery]"),
    }
    assert list(notes)[-len(SendingTable.model_fields) :] == list(SendingTable.model_fields)


def test_the_json_names_the_defaults_and_counts(reading):
    shown = as_json(reading(EVERYTHING))
    assert shown["found"] == {"sources": 4, "endpoints": 3}
    assert [warning.split(": ")[1] for warning in shown["warnings"]] == ["delivery.allow_http"]
    assert {"store.keep", "delivery.order", "sources.media.budget", "endpoints.app.order"} <= set(shown["defaults"])
    assert not {"store.url", "sources.posts.budget", "endpoints.app.rate", "endpoints.app.name"} & set(
        shown["defaults"]
    )


def test_whether_uploads_are_discovered_is_shown_as_it_is_in_effect(reading):
    for call, discovers in ((LIST, True), (SINGLE, False), (LIST + SINGLE, True)):
        one = reading(DESCRIBED + call + APP)
        assert as_json(one)["config"]["sources"][0]["discover"] is discovers
        assert "sources.jobs.discover" in as_json(one)["defaults"]


def test_an_empty_config_is_shown_with_all_its_defaults(reading):
    one = reading("")
    assert as_json(one)["config"]["sources"] == as_json(one)["config"]["endpoints"] == []
    assert tomllib.loads(as_toml(one))["store"]["url"] == "sqlite:///home/somebody/.local/state/notifier/notifier.db"
    assert all(line.endswith("# default") for line in as_toml(one).splitlines() if " = " in line)


def test_a_key_that_is_a_credential_is_shown_by_its_name(reading, tmp_path):
    text = POSTS + APP + 'client_cert = "good.pem"\nclient_key = { credential = "good.pem" }\n'
    one = reading(text, CREDENTIALS_DIRECTORY=str(tmp_path))
    [app] = tomllib.loads(as_toml(one))["endpoints"]
    assert (app["client_cert"], app["client_key"]) == ("good.pem", {"credential": "good.pem"})


def test_when_a_secret_ends_is_shown_and_the_secret_is_not(reading):
    ends = f'{{ value = "{WHSEC}", not_after = 2099-12-01T00:00:00+01:00 }}, {{ env = "WHSEC" }}'
    one = reading(POSTS + APP.replace('{ env = "WHSEC" }', ends))
    [app] = tomllib.loads(as_toml(one))["endpoints"]
    assert app["secrets"] == [{"value": "***", "not_after": "2099-11-30T23:00:00Z"}, "***"]
    assert as_json(one)["config"]["endpoints"] == [app]
    assert WHSEC not in as_toml(one) + json.dumps(as_json(one))


@pytest.mark.parametrize("text", [GOOD, EVERYTHING])
def test_no_secret_is_shown(reading, text):
    one = reading(text)
    for shown in (as_toml(one), json.dumps(as_json(one))):
        assert "***" in shown
        for secret in (KEY, WHSEC, HIDDEN):
            assert secret not in shown
