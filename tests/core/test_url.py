"""Which text may be the URL of a receiver, and the first rule that any other breaks."""

import pytest

from notifier.core.url import PORTS, UrlRule, url_refusal

NAME_OF_253 = ".".join(["a" * 49] * 5) + ".abc"


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("https://app.example.com/", None),
        ("https://app.example.com/?x", None),
        ("https://[2001:db8::7]:8443/", None),
        ("https://app.example.com/" + "a" * 2024, None),
        ("https://app.example.com/" + "a" * 2025, UrlRule.LENGTH),
        ("https://app.example.com/a b", UrlRule.CHARACTERS),
        ("https://app.example.com/\x7f", UrlRule.CHARACTERS),
        ("https://app.example.com\\@evil.example/", UrlRule.BACKSLASH),
        ("https://app.example.com/#", UrlRule.FRAGMENT),
        ("https://app.example.com/?", UrlRule.EMPTY_QUERY),
        ("ftp://app.example.com/", UrlRule.SCHEME),
        ("https://user@app.example.com/", UrlRule.CREDENTIALS),
        ("https:///hooks", UrlRule.NO_HOST),
        ("https://app%2eexample.com/", UrlRule.PERCENT),
        ("https://äpp.example.com/", UrlRule.NOT_ASCII),
        ("https://[fe80::1::2]/", UrlRule.HOST),
        ("https://[v1.x]/", UrlRule.HOST),
        ("https://app!example.com/", UrlRule.HOST),
        (f"https://{NAME_OF_253}/", None),
        (f"https://{NAME_OF_253}./", None),
        (f"https://a{NAME_OF_253}/", UrlRule.NAME),
        ("https://203.0.113.7/", None),
        ("https://app.example.7/", UrlRule.NUMBER),
        ("https://app..example.com/", UrlRule.NAME),
        ("https://127.1/", UrlRule.NUMBER),
        ("https://app.example.com:x/", UrlRule.PORT),
    ],
)
def test_the_first_rule_that_is_broken_is_told(url, rule):
    assert url_refusal(url) is rule


def test_where_no_port_is_written_it_is_the_usual():
    assert PORTS == {"https": 443, "http": 80}
