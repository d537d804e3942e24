"""Which URLs a pattern stands for, by whatever trick they are spelt."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.core.callbacks import (
    ALL,
    UNSIGNED,
    Calling,
    family,
    has_right_host,
    is_plain,
    number_of,
    origin,
    stands_for,
)
from notifier.core.model import Callback, Endpoint
from notifier.core.secret import Secret

ANY = "https://app.example.com/*"
HOOKS = "https://app.example.com/hooks/*"


@pytest.mark.parametrize(
    ("pattern", "url"),
    [
        (ANY, "https://app.example.com/"),
        (ANY, "https://app.example.com"),
        (ANY, "HTTPS://APP.example.com:443/a/b?token=1&u=https://x/"),
        (HOOKS, "https://app.example.com/hooks/a/b"),
        ("https://app.example.com/cb", "https://app.example.com/cb"),
        ("https://app.example.com/cb*", "https://app.example.com/cb?id=1"),
        ("https://app.example.com/cb?id=*", "https://app.example.com/cb?id=1"),
        ("https://app.example.com/*/cb", "https://app.example.com/a/b/cb"),
        ("https://app.example.com/*a*b*/c", "https://app.example.com/xa/yb/c"),
        ("https://app.example.com/cb?*a*b", "https://app.example.com/cb?ab"),
        ("https://app.example.com", "https://app.example.com/"),
        ("https://*.example.com/*", "https://a.b.example.com/x"),
        ("https://*/*", "https://anything.example/x"),
        ("https://app.example.com:8443/*", "https://app.example.com:8443/x"),
        ("http://app.example.com/*", "http://app.example.com:80/x"),
        ("https://[2606:4700:0::1111]/*", "https://[2606:4700::1111]/x"),
    ],
)
def test_a_pattern_stands_for_these(pattern, url):
    assert stands_for(pattern, url)


@pytest.mark.parametrize(
    ("pattern", "url"),
    [
        (ANY, "http://app.example.com/"),
        (ANY, "https://app.example.com:8443/"),
        ("https://app.example.com:0/*", "https://app.example.com/x"),
        (ANY, "https://app.example.com.evil.example/"),
        (ANY, "https://evil.example/app.example.com/"),
        (ANY, "https://app.example.com./"),
        (ANY, "https://xapp.example.com/"),
        (HOOKS, "https://app.example.com/hooks"),
        (HOOKS, "https://app.example.com/HOOKS/a"),
        (HOOKS, "https://app.example.com/admin?/hooks/a"),
        ("https://app.example.com/*/cb", "https://app.example.com/admin?/cb"),
        ("https://app.example.com/*/cb", "https://app.example.com/a/cb?x"),
        ("https://app.example.com/cb", "https://app.example.com/cb?id=1"),
        ("https://app.example.com/cb?id=*", "https://app.example.com/cb?it=1"),
        ("https://app.example.com/a*bc", "https://app.example.com/ab"),
        ("https://app.example.com/ab*ba", "https://app.example.com/aba"),
        ("https://app.example.com/*ab*ba", "https://app.example.com/aba"),
        ("https://app.example.com/*x*", "https://app.example.com/a"),
        ("https://*.example.com/*", "https://example.com/"),
        ("https://*.example.com/*", "https://.example.com/"),
        ("https://*.example.com/*", "https://evilexample.com/"),
        ("https://*.example.com/*", "https://evil.example/.example.com/"),
    ],
)
def test_a_pattern_does_not_stand_for_these(pattern, url):
    assert not stands_for(pattern, url)


@pytest.mark.parametrize(
    "path",
    [
        "../a",
        "a/..",
        "a/./b",
        "%2e%2e/a",
        "%2E./a",
        "a%2f..%2fb",
        "%252e%252e/a",
        "..;x=1/a",
        "..%5ca",
        "%25252525252e",
        "..%00/a",
        "%c0%ae%c0%ae/a",
        "%0d%0aa",
    ],
)
def test_a_path_that_leads_elsewhere_is_not_plain(path):
    assert not is_plain(f"https://app.example.com/hooks/{path}")
    calling = Calling(Endpoint(name="notify:*", url="", secrets=()), (ANY,))
    assert not calling.permits(f"https://app.example.com/hooks/{path}")


@pytest.mark.parametrize("path", ["", "a", "a/b.c", "..a", "a..b", "%20", "%25", "a?x=../b"])
def test_any_other_path_is(path):
    assert is_plain(f"https://app.example.com/{path}")


@given(st.text("ab*", max_size=8), st.text("ab", max_size=12))
def test_a_star_is_anything(pattern, path):

    expected = re.fullmatch(pattern.replace("*", ".*"), path) is not None
    assert stands_for(f"https://h.example/{pattern}", f"https://h.example/{path}") == expected


@pytest.mark.parametrize(
    ("pattern", "right"),
    [
        (ANY, True), ("https://*.example.com/*", True), ("https://*/*", True), ("https://*:8443/*", True),
        ("https://app*/x", False), ("https://*app.example/x", False), ("https://*.*.example/x", False),
    ],
)  # fmt: skip
def test_a_star_in_a_host_is_its_beginning_or_all_of_it(pattern, right):
    assert has_right_host(pattern) is right


def test_a_callback_has_the_name_of_its_number():
    assert Callback("https://a.example/", "standard", -7).name == "notify:7"
    assert number_of("notify:7") == -7
    assert [number_of(name) for name in ("app", "7", "notify", "notify:", "notify:0", "notify:x", "notify:-1")] == [
        None
    ] * 7
    assert [family(name) for name in ("app", "notify", "notify:7")] == ["app", "notify", "notify:*"]


def test_what_is_at_one_origin_is_so_however_it_is_spelt():
    spelt = ("https://A.example/x", "https://a.example:443/y?z", "HTTPS://a.example")
    assert {origin(url) for url in spelt} == {"https://a.example:443"}


def test_a_callback_shows_its_url_to_nobody():
    assert "hush" not in repr(Callback("https://a.example/?hush", "standard"))


def test_only_what_nobody_expects_signed_goes_without_a_secret():
    signed, bare = (Calling(Endpoint(name=ALL, url="", secrets=some), (ANY,)) for some in ((Secret("s"),), ()))
    told = {format_: Callback("https://app.example.com/", format_, -1) for format_ in ("standard", UNSIGNED)}
    assert [(one.name, one.url, one.format) for one in map(signed.endpoint, told.values())] == [
        ("notify:1", "https://app.example.com/", format_) for format_ in told
    ]
    assert [one.secrets != () for one in map(signed.endpoint, told.values())] == [True, False]
    assert [signed.may_call(one) for one in told.values()] == [True, True]
    assert [bare.may_call(one) for one in told.values()] == [False, True]


def test_what_any_of_the_patterns_stands_for_is_permitted_and_nothing_else():
    calling = Calling(Endpoint(name=ALL, url="", secrets=()), ("https://a.example/*", "https://b.example/*"))
    urls = [f"https://{host}.example/x" for host in "abc"]
    assert [calling.permits(url) for url in urls] == [True, True, False]
    assert [calling.may_call(Callback(url, UNSIGNED, -1)) for url in urls] == [True, True, False]
