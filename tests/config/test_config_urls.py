"""URLs and headers: what gets through, and every name that notifier keeps for itself."""

from ipaddress import ip_network

import pytest

from notifier.config.faults import Wrong
from notifier.config.headers import header_faults
from notifier.config.urls import _WRONG, check_base, check_endpoint, is_exposed, is_refused, shown, shown_template
from notifier.core.url import UrlRule

OURS = (
    *("host", "content-type", "content-length", "content-encoding", "transfer-encoding", "connection", "keep-alive"),
    *("te", "trailer", "upgrade", "proxy-authorization", "proxy-connection", "expect", "user-agent", "accept-encoding"),
    *("webhook-id", "webhook-timestamp", "webhook-signature", "webhook-anything", "ce-id", "ce-type"),
    *("signature", "signature-input", "notifier-replay"),
)


@pytest.mark.parametrize(
    "url",
    [
        "https://app.example.com",
        "https://app.example.com/hooks?token=1&x=%20",
        "HTTPS://App.Example.Com:443/",
        "https://app.example.com:80/",
        "https://app.example.com:1024/",
        "https://app.example.com:65535/",
        "https://app.example.com:/",
        "https://under_score.example.com/",
        "https://xn--pp-xka.example.com/",
        f"https://{'a' * 63}.example.com./",
        f"https://{'.'.join(['a' * 49] * 5)}.abc/",
        "https://203.0.113.7/",
        "https://[2001:db8::7]:8443/",
        "https://app.example.com/schön",
        "https://app.example.com/" + "a" * 2024,
    ],
)
def test_a_usual_url_is_right(url):
    check_endpoint(url, allow_http=False)
    check_base(url.replace("?token=1&x=%20", ""))


def test_http_is_right_where_it_is_allowed():
    check_endpoint("http://127.0.0.1:8080/", allow_http=True)
    check_base("http://127.0.0.1:8080/")


@pytest.mark.parametrize("port", [0, 22, 25, 53, 1023, 2375, 3306, 5432, 6379, 11211])
def test_webhooks_do_not_go_to_ports_of_other_services(port):
    with pytest.raises(Wrong, match="webhooks do not go to this port"):
        check_endpoint(f"https://app.example.com:{port}/", allow_http=False)


@pytest.mark.parametrize(("url", "port"), [("https://app.example.com:9480/", 9480), ("https://app.example.com/", 443)])
def test_webhooks_do_not_go_to_our_own_port(url, port):
    with pytest.raises(Wrong, match=r"the port of server\.listen"):
        check_endpoint(url, allow_http=False, own_port=port)
    check_endpoint(url, allow_http=False, own_port=9481)


@pytest.mark.parametrize("rule", UrlRule)
def test_every_rule_has_its_words(rule):
    assert _WRONG[rule]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://app.example.com\\@evil.example/", "no backslash"),
        ("https://evil.example#@app.example.com/", "a fragment is never sent"),
        ("https://app.example.com/\n", "no blanks and no control characters"),
        ("https://app.example.com/\0", "no blanks and no control characters"),
        ("https://:@app.example.com/", "user and password do not belong"),
        ("https://app%00.example.com/", "no percent signs"),
        ("https://①②⑦.⓪.⓪.①/", "is ASCII"),  # digits that some parsers take for 127.0.0.1
        ("https://127。0。0。1/", "is ASCII"),
        ("https://app.example.com:４４３/", "is ASCII"),  # noqa: RUF001  # as above
        ("https://[::1", "cannot be read"),
        ("https://[::1%lo]/", "no percent signs"),
        ("https://[v1.a]/", "cannot be read"),  # once taken for the name in the brackets
        ("https://[:::1]/", "cannot be read"),
        ("https://a;b/", "cannot be read"),
        ("https://evil..x.com/", "is no name"),  # once taken for a host
        ("https://.evil.com/", "is no name"),
        ("https://evil.com../", "is no name"),
        (f"https://{'a' * 64}.com/", "is no name"),
        (f"https://{'.'.join(['a' * 49] * 5)}.abcd/", "is no name"),
        ("https://127.1/", "is a number, and no address"),  # of which some parsers make 127.0.0.1
        ("https://2130706433/", "is a number, and no address"),
        ("https://0x7f.1/", "is a number, and no address"),
        ("https://127.0.0.1./", "is a number, and no address"),
        ("https://evil.example/" + "a" * 2048, "at most 2048 characters"),
        ("https://app.example.com:-1/", "the port of the URL cannot be read"),
        ("//app.example.com/", "begins with"),
        ("file:///etc/passwd", "begins with"),
        ("unix:/run/app.sock", "begins with"),
        ("https:app.example.com", "has no host"),
        ("https://:443/", "has no host"),
    ],
)
def test_a_tricky_url_is_wrong_and_not_shown(url, said):
    with pytest.raises(Wrong, match=said) as caught:
        check_endpoint(url, allow_http=True)
    assert "evil" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("url", "networks", "refused"),
    [
        ("https://app.example.com/", [], False),
        ("https://8.8.8.8/", [], False),
        ("https://app/", [], True),
        ("https://localhost./", [], True),
        ("https://app.internal/", [], True),
        ("https://10.0.0.1/", [], True),
        ("https://[::1]/", [], True),
        ("https://app/", ["10.0.0.0/8"], False),
        ("https://10.0.0.1/", ["10.0.0.0/8"], False),
        ("https://127.0.0.1/", ["10.0.0.0/8"], True),
    ],
)
def test_a_host_that_is_not_public_is_known_by_its_text(url, networks, refused):
    assert is_refused(url, [ip_network(text) for text in networks]) is refused


def test_http_is_exposed_unless_it_stays_on_this_machine():
    assert is_exposed("http://api.example.com/")
    assert not is_exposed("https://api.example.com/")
    assert not is_exposed("http://127.0.0.1:8080/")
    assert not is_exposed("http://localhost/")


def test_the_query_of_a_url_is_not_shown():
    assert shown("https://app.example.com/hooks?token=geheim") == "https://app.example.com/hooks?***"
    assert shown("https://app.example.com/hooks") == "https://app.example.com/hooks"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("/jobs/{id}", "/jobs/{id}"),
        ("/jobs?limit=100&page={page}", "/jobs?limit=***&page={page}"),
        ("/jobs?token=geheim&geheim&x=geheim=geheim&&y=", "/jobs?token=***&***&x=***&&y=***"),
        ("/jobs?", "/jobs?"),
    ],
)
def test_the_query_of_a_template_is_shown_as_far_as_it_holds_names(url, told):
    assert shown_template(url) == told


@pytest.mark.parametrize("name", OURS)
def test_a_header_of_ours_is_not_theirs(name):
    for spelling in (name, name.title(), name.upper()):
        assert list(header_faults({spelling: "x"})) == [(spelling, "notifier itself says what this header holds")]


@pytest.mark.parametrize(
    "name", ["Authorization", "X-Env", "Accept", "Cookie", "contents", "ceiling", "X-Webhook-Id", "!#$"]
)
def test_any_other_header_is_theirs(name):
    assert list(header_faults({name: "a value\twith ünïcode"})) == []


@pytest.mark.parametrize("name", ["", "a b", "a:b", "é", "a\n", "(a)"])
def test_a_header_has_a_name_that_http_knows(name):
    assert "expected the name of a header" in dict(header_faults({name: "x"})).values()


@pytest.mark.parametrize("value", ["a\r\nHost: b", "a\nb", "a\0b", "a\x7fb"])
def test_a_header_cannot_bring_another_one(value):
    assert [name for name, _ in header_faults({"X-Env": value})] == ["X-Env"]


def test_headers_have_a_bound_together():
    most = {"a" * 48: "b" * 2000, "c" * 48: "ö" * 1000}
    assert list(header_faults(most)) == []
    assert list(header_faults({**most, "d": ""})) == [("", "expected at most 4096 bytes of headers")]
