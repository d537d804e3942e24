"""Two readings of a config: what is another than it was, in words; and what a running daemon cannot take over."""

import base64
import shutil
from pathlib import Path

import pytest
from configs import APP, DESCRIBED, ENCODINGS, ENVIRON, GOOD, KEY, LEGACY, LIST, MEDIA, POSTS, WHSEC

from notifier.config import ConfigError, read
from notifier.config.changes import changes

CERTIFICATES = Path(__file__).parents[1] / "webhook" / "certificates"
OTHER = "another-key-that-nobody-sees"
TLS = 'ca_file = "good.pem"\nclient_cert = "good.pem"\n'


@pytest.fixture
def told(tmp_path):
    """What is told of the step from one text to another, each read in the environment given with it."""
    shutil.copy(CERTIFICATES / "good.pem", tmp_path)

    def reading(text, environ):
        path = tmp_path / "config.toml"
        path.write_text(text)
        path.chmod(0o600)
        return read(path, {**ENVIRON, **environ})

    def told(before, after, between=lambda: None, **environ):
        one = reading(before, {})
        between()
        return changes(one, reading(after, environ))

    return told


def test_where_nothing_changed_nothing_is_told(told):
    assert told(GOOD + MEDIA, GOOD + MEDIA) == []
    assert told(POSTS + MEDIA + APP, "# a comment\n" + MEDIA + POSTS + APP) == []


def test_what_comes_and_goes_is_named(told):
    assert told(POSTS + APP, MEDIA + APP.replace('"app"', '"crm"')) == [
        "- source posts", "- endpoint app", "+ source media", "+ endpoint crm",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (POSTS, POSTS + 'budget = "30/m"\n', ["source posts: budget 60/m → 30/m"]),
        (POSTS + 'uploads = ["a"]\n', POSTS + 'uploads = ["a", "b"]\n', ["source posts: uploads a → a, b"]),
        (POSTS + "discover = false\n", POSTS, ["source posts: discover false → true"]),
        (POSTS + 'uploads = ["a"]\n', POSTS, ["source posts: uploads a → none"]),
        (
            POSTS,
            POSTS + f'uploads = ["{"a" * 70}"]\nreserve = 0.5\n',
            ["source posts: uploads changed, reserve 0.25 → 0.5"],
        ),
        (DESCRIBED + LIST, DESCRIBED + LIST.replace("100", "50"), ["source jobs: list changed"]),
        (APP, APP + 'timeout = "5s"\nrate = "50/s"\n', ["endpoint app: timeout 20s → 5s, rate 0/s → 50/s"]),
        (APP, APP + '[delivery]\ntimeout = "5s"\n', ["delivery: timeout 20s → 5s"]),
        (APP, APP.replace("/hooks", "/other"), [
            "endpoint app: url https://app.example.com/hooks → https://app.example.com/other"
        ]),
        (APP, '[store]\nkeep = "2d"\n' + APP, ["store: keep 30d → 2d"]),
        (LEGACY, LEGACY + 'output = "mp4"\nbody = "json"\n', ["endpoint legacy: body xml → json"]),
        (APP, '[server]\nnotify_urls = ["https://x.example/*"]\n' + APP, [
            "server: notify_urls none → https://x.example/*"
        ]),
    ],
)  # fmt: skip
def test_what_changed_of_a_table_is_told_as_it_was_and_as_it_is(told, before, after, said):
    assert told(before, after) == said


HIDDEN = f'bearer = "{KEY}"\nheaders = {{ X-Token = "{KEY}" }}\n'
SERVER = f'[server]\ntoken = "{KEY}"\nencoding = {{ user_id = "1", user_key = "{KEY}" }}\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (POSTS.replace('{ env = "KEY" }', f'"{KEY}"'), ["source posts: api_key changed"]),
        (ENCODINGS.replace('{ env = "KEY" }', f'"{KEY}"'), ["source encodings: user_key changed"]),
        (DESCRIBED.replace('{ env = "KEY" }', f'"{KEY}"') + LIST, ["source jobs: auth changed"]),
        (APP.replace("/hooks", f"/hooks?token={KEY}"), ["endpoint app: url changed"]),
        (APP + HIDDEN, ["endpoint app: headers changed, bearer changed"]),
        (APP + f'basic = {{ user = "u", password = "{KEY}" }}\n', ["endpoint app: basic changed"]),
        (SERVER + APP, ["server: token changed, encoding changed"]),
    ],
)
def test_of_what_nobody_may_see_only_that_it_changed_is_told(told, text, said):
    assert told(text, text.replace(KEY, OTHER)) == said


def test_secrets_that_sign_are_counted_and_read_again_where_they_are_kept(told):
    two = APP.replace('[{ env = "WHSEC" }]', f'[{{ env = "WHSEC" }}, "{WHSEC}"]')
    assert told(APP, two) == ["endpoint app: secrets changed (2)"]
    again = "whsec_" + base64.b64encode(b"another one that nobody is to see").decode()
    assert told(APP, APP, WHSEC=again) == ["endpoint app: secrets changed (1)"]
    assert told(POSTS, POSTS, KEY=OTHER) == ["source posts: api_key changed"]


def test_a_file_of_tls_that_was_renewed_in_its_place_is_a_change(told, tmp_path):
    def renewed():
        path = tmp_path / "good.pem"
        path.write_text(path.read_text() + "\n# renewed\n")

    assert told(APP + TLS, APP + TLS) == []
    assert told(APP + TLS, APP + TLS, renewed) == ["endpoint app: ca_file changed, client_cert changed"]


# --- what a running daemon cannot take over

PLACES = {
    "url": '[store]\nurl = "sqlite:other.db"\n',
    "socket": '[server]\nsocket = "other.sock"\n',
    "listen": '[server]\nlisten = "127.0.0.1:9481"\n',
}


@pytest.mark.parametrize("key", PLACES)
def test_what_stays_open_cannot_change_while_the_daemon_runs(tmp_path, key):
    path = tmp_path / "config.toml"
    path.write_text(GOOD)
    running = read(path, ENVIRON).settings
    assert read(path, ENVIRON, running=running).settings == running
    path.write_text(PLACES[key] + GOOD)
    with pytest.raises(ConfigError) as refused:
        read(path, ENVIRON, running=running)
    faults = [(fault.line, fault.key.rpartition(".")[2], fault.message) for fault in refused.value.faults]
    assert faults == [(2, key, "cannot change while the daemon runs: restart it")]


def test_of_several_faults_what_cannot_change_hides_none(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(GOOD)
    running = read(path, ENVIRON).settings
    path.write_text(PLACES["url"] + GOOD + 'timeout = "5"\n')
    with pytest.raises(ConfigError) as refused:
        read(path, ENVIRON, running=running)
    assert [fault.key for fault in refused.value.faults] == ["endpoints.app.timeout"]
