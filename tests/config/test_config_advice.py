"""Warnings: what works, but perhaps not as it was meant."""

import pytest
from configs import APP, DESCRIBED, ENCODINGS, ENVIRON, GOOD, LEGACY, LIST, MEDIA, POSTS, SINGLE, WHSEC
from things import DAY, NOW

from notifier import __version__
from notifier.config import ConfigError, load

LOCAL = APP.replace("https://app.example.com/hooks", "http://127.0.0.1:8080/") + "allow_http = true\n"
HTTP = "what goes to an http URL can be read and changed on the way"
REFUSED = "endpoints.app.url: the host is not public and will be refused; allow_networks lets it through"
READABLE = "a secret in a file that other users can read: chmod 600, or keep it elsewhere"


@pytest.fixture
def advice(tmp_path):
    """The warnings about a text, without file, line and column."""

    def advice(text, mode=0o600, now=NOW):
        path = tmp_path / "config.toml"
        path.write_text(text)
        path.chmod(mode)
        warnings = load(path, ENVIRON, clock=lambda: now).warnings
        assert all(warning.startswith(f"{path}:") for warning in warnings)
        return [warning.split(": ", 1)[1] for warning in warnings]

    return advice


def test_a_usual_config_needs_no_advice(advice):
    assert advice(GOOD) == []


def test_an_empty_config_is_no_fault_but_does_nothing(advice):
    assert advice("") == [
        f"{table}: there are none: nothing will be announced to anybody" for table in ("sources", "endpoints")
    ]


def test_a_warning_has_its_line(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(GOOD + 'events = ["upload.*", "upload.complete"]\n')
    said = f'no event type of notifier {__version__} matches; did you mean "upload.completed"?'
    assert load(path, ENVIRON).warnings == (f"{path}:11:1: endpoints.app.events.2: {said}",)


def test_http_is_told_where_it_is_allowed(advice):
    allowed = 'allow_networks = ["127.0.0.0/8"]\n'
    assert advice(POSTS + LOCAL + allowed) == [f"endpoints.app.allow_http: {HTTP}"]
    assert advice(GOOD + "allow_http = false\n") == []
    # Said once for all is told once.
    assert advice("[delivery]\nallow_http = true\n" + POSTS + APP) == [f"delivery.allow_http: {HTTP}"]


def test_an_endpoint_that_is_drained_is_not_forgotten(advice):
    told = "nothing new is owed to it; take it out when nothing waits for it any more"
    assert advice(GOOD + "drain = true\n") == [f"endpoints.app.drain: {told}"]
    assert advice(GOOD + "drain = false\n") == []


PAST = "2026-11-21T11:59:59Z"
LATE = "2026-11-28T12:00:00Z"
"""Seven days after NOW."""
ENDED = "endpoints.app.secrets.{}: ended at 2026-11-21T11:59:59Z and signs no more: leave it out"
LAST = "endpoints.app.secrets: after 2026-11-28T12:00:00Z none of them signs, and nothing is sent then: add another"


def ending(*ends):
    """A config whose endpoint has a secret for each of these ends, "" being none."""
    entries = [f'{{ env = "WHSEC"{f", not_after = {end}" if end else ""} }}' for end in ends]
    return POSTS + APP.replace('{ env = "WHSEC" }', ", ".join(entries))


@pytest.mark.parametrize(
    ("ends", "now", "said"),
    [
        (["", LATE], NOW + DAY, []),
        ([LATE], NOW, []),
        ([LATE], NOW + 1, [LAST]),
        ([LATE, LATE], NOW + 1, [LAST]),
        ([LATE, "2026-12-24T00:00:00Z"], NOW + 1, []),
        ([PAST, ""], NOW, [ENDED.format(1)]),
        (["", PAST], NOW, [ENDED.format(2)]),
        ([LATE, PAST, PAST], NOW + 1, [LAST, ENDED.format(2), ENDED.format(3)]),
    ],
)
def test_a_secret_that_ended_is_told_and_the_last_one_a_week_before(advice, ends, now, said):
    assert advice(ending(*ends), now=now) == said


def test_the_same_is_told_of_what_signs_callbacks(advice):
    given = f'{{ env = "WHSEC", not_after = {LATE} }}'
    said = advice(f"{GOOD}[server]\nnotify_secrets = [{given}]\n", now=NOW + 1)
    assert said == [LAST.replace("endpoints.app.secrets", "server.notify_secrets")]


def test_that_every_secret_has_ended_is_a_fault_from_that_moment_on(advice):
    assert advice(ending(PAST), now=NOW - 1)
    with pytest.raises(ConfigError, match=r"app\.secrets: every one of them has ended, and nothing is sent unsigned"):
        advice(ending(PAST), now=NOW)


@pytest.mark.parametrize("host", ["10.0.0.1", "[::1]", "intranet", "app.internal", "localhost"])
def test_a_host_that_will_be_refused_is_told(advice, host):
    assert advice(POSTS + APP.replace("app.example.com", host)) == [REFUSED]


def test_a_host_in_a_network_that_is_allowed_is_not(advice):
    local = APP.replace("app.example.com", "10.0.0.1")
    assert advice('[delivery]\nallow_networks = ["10.0.0.0/8"]\n' + POSTS + local) == []
    assert advice(POSTS + local + 'allow_networks = ["10.0.0.0/8"]\n') == []
    assert advice(POSTS + local + 'allow_networks = ["192.168.0.0/16"]\n') == [REFUSED]


def test_a_key_that_goes_over_http_is_told(advice):
    assert advice(POSTS + 'base_url = "http://api.example.com"\n' + APP) == [
        "sources.posts.base_url: http: the api_key can be read on the way"
    ]
    assert advice(POSTS + 'base_url = "http://127.0.0.1:8080"\n' + APP) == []


@pytest.mark.parametrize(("source", "key"), [(ENCODINGS, "user_key"), (DESCRIBED + LIST, "auth")])
def test_another_credential_that_goes_over_http_is_told_by_its_key(advice, source, key):
    exposed = source.replace('base_url = "https', 'base_url = "http')
    exposed += "" if "base_url" in exposed else 'base_url = "http://api.example.com"\n'
    (line,) = advice(exposed + APP)
    assert line.endswith(f"base_url: http: the {key} can be read on the way")


def test_without_a_credential_none_can_be_read(advice):
    open_api = "\n".join(line for line in DESCRIBED.splitlines() if not line.startswith("auth")) + "\n"
    assert advice(open_api.replace("https", "http") + LIST + APP) == []


@pytest.mark.parametrize("source", [DESCRIBED + SINGLE, DESCRIBED + LIST, POSTS + "discover = false\n"])
def test_where_nothing_is_discovered_or_named_programs_may_register(advice, source):
    assert advice(source + APP) == []


def test_without_endpoints_callbacks_may_be_told(advice):
    assert advice('[server]\nnotify_urls = ["https://app.example.com/*"]\n' + POSTS) == []


@pytest.mark.parametrize("sources", ["[]", '["!posts"]', '["*", "!posts"]', '["p*", "!post*"]'])
def test_an_endpoint_that_no_source_can_reach_is_told(advice, sources):
    assert advice(GOOD + f"sources = {sources}\n") == ["endpoints.app.sources: no source can reach this endpoint"]


def test_an_endpoint_that_one_source_of_two_can_reach_is_not(advice):
    assert advice(POSTS + MEDIA + APP + 'sources = ["*", "!media"]\n') == []


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("", 0), ('events = ["*"]\n', 0), ('events = ["source.*", "upload.updated"]\n', 1),
        ('events = ["upload.action_required"]\n', 1),
        ('events = ["upload.action_required"]\nannounce_ready = true\n', 0),
    ],
)  # fmt: skip
def test_an_endpoint_that_encoding_com_would_never_call_is_told(advice, more, told):
    nothing = "endpoints.legacy.events: no event type passes: this endpoint gets nothing"
    assert advice(POSTS + LEGACY + more) == [nothing] * told


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ('statuses = ["processing"]\n', 1), ('statuses = ["processing", "failed"]\n', 0),
        ('statuses = ["action_required"]\n', 1), ('statuses = ["action_required"]\nannounce_ready = true\n', 0),
    ],
)  # fmt: skip
def test_an_endpoint_that_encoding_com_would_call_at_none_of_its_statuses_is_told(advice, more, told):
    nothing = "endpoints.legacy.statuses: Encoding.com would call at none of these: this endpoint gets nothing"
    assert advice(POSTS + LEGACY + more) == [nothing] * told


@pytest.mark.parametrize("events", ["[]", '["!upload.updated"]', '["upload.*", "!*"]'])
def test_an_endpoint_that_no_event_passes_is_told(advice, events):
    assert advice(GOOD + f"events = {events}\n") == [
        "endpoints.app.events: no event type passes: this endpoint gets nothing"
    ]


def test_a_pattern_that_no_event_matches_is_told(advice):
    told = advice(GOOD + 'events = ["upload.*", "!posted.published", "video.*", "source.*", "*.failed"]\n')
    said = f"no event type of notifier {__version__} matches"
    assert told == [f"endpoints.app.events.{number}: {said}" for number in (2, 3)]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_secret_that_others_can_read_is_told_and_not_shown(advice, mode):
    open_secrets = (
        POSTS.replace('{ env = "KEY" }', '"s3cret"')
        + APP.replace('{ env = "WHSEC" }', f'{{ env = "WHSEC" }}, "{WHSEC}"')
        + '[server]\ntoken = "s3cret"\n'
    )
    assert advice(open_secrets, mode) == [
        f"{key}: {READABLE}" for key in ("sources.posts.api_key", "endpoints.app.secrets.2", "server.token")
    ]
    assert advice(open_secrets, 0o600) == []
    more = (ENCODINGS + DESCRIBED + LIST).replace('{ env = "KEY" }', '"s3cret"')
    assert advice(more + APP, mode) == [
        f"{key}: {READABLE}" for key in ("sources.encodings.user_key", "sources.jobs.auth.secret")
    ]
    assert advice(GOOD, mode) == []
