"""What a right config means: defaults filled in, durations in seconds, the database at its place."""

import shutil
from ipaddress import ip_network
from pathlib import Path

import pytest
from configs import APP, DESCRIBED, ENCODINGS, ENVIRON, GOOD, KEY, LEGACY, LIST, MEDIA, POSTS, SINGLE, WHSEC

from notifier.config import ConfigError, load
from notifier.config.places import HERE, SYSTEM, config_path
from notifier.config.settings import EncodingAccount
from notifier.config.units import rate_text
from notifier.core.description import Auth, Description, ListCall, Paging, SingleCall, TargetCall
from notifier.core.model import Baseline, Basic, Endpoint, Order, Rate, Source
from notifier.core.secret import Secret
from notifier.providers import PROVIDERS

CERTIFICATES = Path(__file__).parents[1] / "webhook" / "certificates"


@pytest.fixture
def meaning(tmp_path):
    """The settings that a text means, read in `tmp_path`."""

    def meaning(text, **environ):
        path = tmp_path / "config.toml"
        path.write_text(text)
        return load(path, {**ENVIRON, **environ})

    return meaning


def test_an_empty_config_has_every_default(meaning):
    settings = meaning("")
    assert settings.store_path == Path("/home/somebody/.local/state/notifier/notifier.db")
    assert settings.keep == 30 * 86400
    assert settings.listen is None
    assert settings.token is None
    assert settings.in_flight_total == 200
    assert settings.sources == settings.endpoints == ()


def test_who_may_ask_as_of_encoding_com_is_one_user_or_nobody(meaning):
    table = '[server]\nencoding = { user_id = "1", user_key = { env = "KEY" } }\n'
    assert meaning(table).encoding == EncodingAccount("1", Secret(KEY))
    assert KEY not in repr(meaning(table))
    assert meaning("").encoding is None


def test_a_source_has_the_defaults_of_its_provider(meaning):
    assert meaning(POSTS + MEDIA).sources == (
        Source(
            name="posts",
            provider="upload_post",
            base_url="https://api.upload-post.com/api",
            api_key=Secret(KEY),
            budget=PROVIDERS["upload_post"].budget,
        ),
        Source(
            name="media",
            provider="xenonflare",
            base_url=PROVIDERS["xenonflare"].base_url,
            api_key=Secret(KEY),
            budget=PROVIDERS["xenonflare"].budget,
            kinds=("videos", "images"),
        ),
    )


def test_a_source_says_what_it_likes_itself(meaning):
    text = MEDIA + (
        'base_url = "https://mirror.example.com/v1/"\ndiscover = false\nbaseline = "announce"\nuploads = ["a", "b"]\n'
        'kinds = ["images"]\nbudget = "10/h"\nreserve = 0\nstalled_after = "1d"\n'
    )
    assert meaning(text).sources == (
        Source(
            name="media",
            provider="xenonflare",
            base_url="https://mirror.example.com/v1",
            api_key=Secret(KEY),
            budget=Rate(10, 3600),
            discover=False,
            baseline=Baseline.ANNOUNCE,
            uploads=("a", "b"),
            kinds=("images",),
            reserve=0,
            stalled_after=86400,
        ),
    )


def test_encoding_com_has_a_user_and_its_key(meaning):
    assert meaning(ENCODINGS).sources == (
        Source(
            name="encodings",
            provider="encoding_com",
            base_url=PROVIDERS["encoding_com"].base_url.rstrip("/"),
            api_key=Secret(KEY),
            user_id="85296",
            budget=PROVIDERS["encoding_com"].budget,
        ),
    )


def test_an_api_is_described(meaning):
    more = (
        'ok = "!error"\ntargets = { items = "outputs", name = "preset", status = "state", reason_text = "error" }\n'
        'target_statuses = { done = "skipped" }\n'
    )
    (source,) = meaning(DESCRIBED + LIST + SINGLE + more).sources
    assert source == Source(
        name="jobs",
        provider="http_json",
        base_url="https://api.example.com/v2",
        api_key=Secret(KEY),
        budget=Rate(60, 60),
        api=Description(
            auth=Auth("Authorization", "Bearer {secret}"),
            ok="!error",
            list=ListCall("/jobs?limit=100&page={page}", "data.jobs", Paging.PAGE, more="data.has_more"),
            single=SingleCall("/jobs/{id}", "data", (404, 410)),
            fields={"id": "id", "status": "state"},
            targets=TargetCall("outputs", {"name": "preset", "status": "state", "reason_text": "error"}),
            statuses={"waiting": "queued", "later": "scheduled", "done": "completed", "error": "failed"},
            target_statuses={"done": "skipped"},
        ),
    )


def test_a_short_description_has_the_defaults_of_the_manual(meaning):
    short = "\n".join(line for line in DESCRIBED.splitlines() if not line.startswith("auth"))
    (source,) = meaning(short + '\nlist = { url = "/jobs" }\nsingle = { url = "/jobs/{id}" }\n').sources
    assert source.api == Description(
        list=ListCall("/jobs", "@", Paging.NONE),
        single=SingleCall("/jobs/{id}", "@", (404, 410)),
        fields={"id": "id", "status": "state"},
        statuses={"waiting": "queued", "later": "scheduled", "done": "completed", "error": "failed"},
        target_statuses={"waiting": "queued", "done": "completed", "error": "failed"},
    )
    assert source.api_key == Secret("")


@pytest.mark.parametrize(
    ("calls", "discovers"), [(LIST, True), (SINGLE, False), (LIST + "discover = false\n", False), (LIST + SINGLE, True)]
)
def test_uploads_are_discovered_where_there_is_a_list(meaning, calls, discovers):
    (source,) = meaning(DESCRIBED + calls).sources
    assert source.discover is discovers


def test_an_endpoint_has_the_defaults_of_the_model(meaning):
    [endpoint] = meaning(APP).endpoints
    assert endpoint == Endpoint(name="app", url="https://app.example.com/hooks", secrets=(Secret(WHSEC),))


def test_what_delivery_says_holds_for_every_endpoint_that_says_nothing(meaning):
    delivery = (
        '[delivery]\nschedule = ["0s", "1m"]\ntimeout = "5s"\nmax_in_flight = 2\nrate = "50/s"\norder = "latest"\n'
        'allow_http = true\nallow_networks = ["127.0.0.0/8"]\nin_flight_total = 7\n'
    )
    own = (
        'schedule = ["0s"]\ntimeout = "60s"\nmax_in_flight = 8\nrate = "0/s"\norder = "none"\n'
        'allow_http = false\nallow_networks = []\nevents = ["*"]\nsources = ["posts"]\nstatuses = ["failed"]\n'
        'headers = { X-Env = "prod" }\nformat = "cloudevents"\ndrain = true\n'
    )
    shy = APP.replace('"app"', '"shy"').replace("https", "http")
    settings = meaning(POSTS + delivery + shy + APP + own)
    common, special = settings.endpoints
    assert settings.in_flight_total == 7
    assert common == Endpoint(
        name="shy",
        url="http://app.example.com/hooks",
        secrets=(Secret(WHSEC),),
        schedule=(0, 60),
        timeout=5,
        max_in_flight=2,
        rate=Rate(50, 1),
        order=Order.LATEST,
        allow_http=True,
        allow_networks=(ip_network("127.0.0.0/8"),),
    )
    assert special == Endpoint(
        name="app",
        url="https://app.example.com/hooks",
        secrets=(Secret(WHSEC),),
        format="cloudevents",
        events=("*",),
        sources=("posts",),
        statuses=("failed",),
        drain=True,
        headers={"X-Env": "prod"},
        schedule=(0,),
        timeout=60,
        max_in_flight=8,
        order=Order.NONE,
    )


def test_an_endpoint_may_be_called_as_encoding_com_would_call_it(meaning):
    more = 'body = "json"\noutput = "m4v"\nannounce_ready = true\nnotify_upload = true\n'
    usual, other = meaning(LEGACY + LEGACY.replace('"legacy"', '"other"') + more).endpoints
    assert (usual.format, usual.secrets, usual.announce_ready, usual.notify_upload) == (
        "encoding_com",
        (),
        False,
        False,
    )
    assert other.format == "encoding_com;body=json;output=m4v"
    assert (other.announce_ready, other.notify_upload) == (True, True)


def test_every_secret_of_an_endpoint_signs_in_its_order(meaning):
    other = WHSEC.replace("whsec_b", "whsec_c")
    first, second = meaning(
        APP.replace('"WHSEC" }', '"WHSEC" }, { env = "OTHER" }')
        + APP.replace('"app"', '"crm"').replace("WHSEC", "OTHER"),
        OTHER=other,
    ).endpoints
    assert first.secrets == (Secret(WHSEC), Secret(other))
    assert second.secrets == (Secret(other),)


def test_an_endpoint_has_credentials_and_files_of_tls_beside_the_config(meaning, tmp_path):
    for name in ("ca.pem", "good.pem"):
        shutil.copy(CERTIFICATES / name, tmp_path)
    elsewhere = CERTIFICATES / "good.pem"
    one, other = meaning(
        APP
        + 'bearer = { env = "KEY" }\nca_file = "ca.pem"\nclient_cert = "good.pem"\n'
        + APP.replace('"app"', '"crm"')
        + 'basic = { user = "us er", password = { env = "KEY" } }\n'
        + f'client_cert = "{elsewhere}"\nclient_key = "{elsewhere}"\n'
    ).endpoints
    assert (one.bearer, one.basic) == (Secret(KEY), None)
    assert (one.ca_file, one.client_cert, one.client_key) == (
        str(tmp_path / "ca.pem"),
        str(tmp_path / "good.pem"),
        None,
    )
    assert (other.bearer, other.basic) == (None, Basic("us er", Secret(KEY)))
    assert (other.ca_file, other.client_cert, other.client_key) == (None, str(elsewhere), str(elsewhere))
    assert one.secrets == other.secrets == (Secret(WHSEC),)


def test_systemd_hands_over_a_key_as_it_does_a_secret(meaning, tmp_path):
    shutil.copy(CERTIFICATES / "good.pem", tmp_path / "notifier_key")
    text = APP + f'client_cert = "{CERTIFICATES}/good.pem"\nclient_key = {{ credential = "key" }}\n'
    [endpoint] = meaning(text, CREDENTIALS_DIRECTORY=str(tmp_path)).endpoints
    assert endpoint.client_key == str(tmp_path / "notifier_key")
    with pytest.raises(ConfigError, match="client_key: the credential key is not there: systemd hands over no"):
        meaning(text)


OTHER = WHSEC.replace("whsec_b", "whsec_c")


@pytest.mark.parametrize(
    ("written", "secret"),
    [
        ('{ env = "WHSEC", not_after = 2026-12-01T00:00:00Z }', Secret(WHSEC, 1796083200)),
        ('{ not_after = "2026-12-01T00:00:00Z", env = "WHSEC" }', Secret(WHSEC, 1796083200)),
        ('{ env = "WHSEC", not_after = 2026-12-01 01:30:00.5+01:30 }', Secret(WHSEC, 1796083200.5)),
        ('{ env = "WHSEC", not_after = "2026-11-30t19:00:00-05:00" }', Secret(WHSEC, 1796083200)),
        ('{ file = "whsec", not_after = 2026-12-01T00:00:00Z }', Secret(WHSEC, 1796083200)),
        (f'{{ value = "{WHSEC}", not_after = 2026-12-01T00:00:00Z }}', Secret(WHSEC, 1796083200)),
    ],
)
def test_a_signing_secret_may_end(meaning, tmp_path, written, secret):
    (tmp_path / "whsec").write_text(f"{WHSEC}\n")
    config = APP.replace('{ env = "WHSEC" }', f'{written}, {{ env = "OTHER" }}')
    [endpoint] = meaning(config, OTHER=OTHER).endpoints
    assert endpoint.secrets == (secret, Secret(OTHER))


@pytest.mark.parametrize(
    ("listen", "token", "place"),
    [
        ("", "", None),
        ("127.0.0.1:9480", "", ("127.0.0.1", 9480)),
        ("localhost:0", "", ("localhost", 0)),
        ("[::1]:9480", "", ("::1", 9480)),
        ("127.8.8.8:65535", "", ("127.8.8.8", 65535)),
        ("0.0.0.0:80", 'token = "t"', ("0.0.0.0", 80)),
        ("[::]:80", 'token = "t"', ("::", 80)),
        ("notifier.example.com:80", 'token = "t"', ("notifier.example.com", 80)),
    ],
)
def test_the_server_listens_where_it_is_told_to(meaning, listen, token, place):
    settings = meaning(f'[server]\nlisten = "{listen}"\n{token}\n')
    assert settings.listen == place
    assert settings.token == (Secret("t") if token else None)


# --- the database


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///var/lib/notifier/notifier.db", "/var/lib/notifier/notifier.db"),
        ("sqlite:/var/lib/notifier.db", "/var/lib/notifier.db"),
        ("sqlite:notifier.db", "FOLDER/notifier.db"),
        ("sqlite:../state/a b.db", "PARENT/state/a b.db"),
    ],
)
def test_the_database_is_absolute_or_beside_the_config(meaning, tmp_path, url, path):
    expected = path.replace("FOLDER", str(tmp_path)).replace("PARENT", str(tmp_path.parent))
    assert str(meaning(f'[store]\nurl = "{url}"\n').store_path) == expected


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"STATE_DIRECTORY": "/var/lib/notifier", "XDG_STATE_HOME": "/x"}, "/var/lib/notifier/notifier.db"),
        ({"STATE_DIRECTORY": "/var/lib/one:/var/lib/two"}, "/var/lib/one/notifier.db"),
        ({"XDG_STATE_HOME": "/x/state"}, "/x/state/notifier/notifier.db"),
        ({"XDG_STATE_HOME": "relative"}, "/home/somebody/.local/state/notifier/notifier.db"),
    ],
)
def test_the_database_is_where_systemd_or_the_user_keeps_state(meaning, environ, path):
    assert str(meaning("", **environ).store_path) == path


@pytest.mark.parametrize("home", ["", "relative"])
def test_without_a_home_the_config_must_say_where_the_database_is(meaning, home):
    with pytest.raises(ConfigError, match=r"config\.toml:1:1: store\.url: set store\.url: there is no \$STATE"):
        meaning("", HOME=home)
    assert meaning('[store]\nurl = "sqlite:///a.db"\n', HOME=home).store_path == Path("/a.db")


# --- the control socket


@pytest.mark.parametrize(
    ("written", "environ", "path"),
    [
        ("/run/notifier/notifier.sock", {"RUNTIME_DIRECTORY": "/run/x"}, "/run/notifier/notifier.sock"),
        ("../a.sock", {}, "PARENT/a.sock"),
        (None, {"RUNTIME_DIRECTORY": "/run/notifier"}, "/run/notifier/notifier.sock"),
        (None, {"RUNTIME_DIRECTORY": "/run/one:/run/two"}, "/run/one/notifier.sock"),
        (None, {"STATE_DIRECTORY": "/var/lib/notifier"}, "/var/lib/notifier/notifier.sock"),
    ],
)
def test_the_control_socket_is_where_systemd_wants_it_or_beside_the_database(meaning, tmp_path, written, environ, path):
    text = "" if written is None else f'[server]\nsocket = "{written}"\n'
    assert str(meaning(text, **environ).socket) == path.replace("PARENT", str(tmp_path.parent))


def test_a_control_socket_whose_path_the_kernel_would_not_take_is_a_fault(meaning):
    fitting = "/" + "x" * 106
    assert str(meaning(f'[server]\nsocket = "{fitting}"\n').socket) == fitting
    for path in (f"{fitting}x", "/" + "ü" * 54):
        with pytest.raises(ConfigError, match=r"server\.socket: set a shorter one: it, from the root on, has more"):
            meaning(f'[server]\nsocket = "{path}"\n')
    with pytest.raises(ConfigError, match=r"server\.socket: set a shorter one: /x+/notifier\.sock, .+ by default, has"):
        meaning("", RUNTIME_DIRECTORY="/" + "x" * 100)


# --- the config file


def test_a_config_is_looked_for_in_the_order_of_the_manual(tmp_path):
    system, here = tmp_path / "system.toml", tmp_path / "here.toml"
    named = {"NOTIFIER_CONFIG": "/named/by/environment.toml"}
    with pytest.raises(ConfigError, match=r"^no config: there is neither .*system\.toml nor .*here\.toml; name one"):
        config_path(None, {}, system, here)
    here.touch()
    assert config_path(None, {"NOTIFIER_CONFIG": ""}, system, here) == here
    system.symlink_to("nowhere")  # one that cannot be read is told of, not passed over
    assert config_path(None, {}, system, here) == system
    assert config_path(None, named, system, here) == Path("/named/by/environment.toml")
    assert config_path(Path("given.toml"), named, system, here) == Path("given.toml")


def test_the_places_of_the_manual_are_those():
    assert (str(SYSTEM), str(HERE)) == ("/etc/notifier/config.toml", "config.toml")


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(GOOD, encoding="utf-8-sig")
    assert len(load(path, ENVIRON).sources) == 1


@pytest.mark.parametrize(
    ("rate", "text"), [(Rate(60, 60), "60/m"), (Rate(5000, 86400), "5000/d"), (Rate(3, 10), "3/10s")]
)
def test_a_rate_is_shown_as_a_config_has_it(rate, text):
    assert rate_text(rate) == text
