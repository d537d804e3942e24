"""What the schema tells an editor of how a value is spelled is what the parser takes, over many spellings."""

import json
import re
from ipaddress import ip_network
from itertools import product

import describing
import pytest
from jsonschema import Draft202012Validator, ValidationError, validators

from notifier.config.parsing import parse

ODD = ("", " ", "\n", "\x00", "\x7f", "-", "٣", "s", "/", ":", "//", "é")
NUMBERS = ("0", "1", "007", "60", "1.5", "1e3", "+1", "-1", "1_0", "123456789", "1234567890", "")
UNITS = ("s", "m", "h", "d", "w", "S", "ms", "min", " s", "")
PATHS = (
    *("n.db", "n", "a/n.db", "../n.db", "a//b", "a/", "a:b", ":memory:", "n.db?mode=ro", "n.db#x", ""),
    *("/n.db", "/n", "/:a", "/", "//n.db", "//n", "///n.db", "///", "////n.db"),
)
HOSTS = ("127.0.0.1", "localhost", "[::1]", "::1", "[::1", "::1]", "[]", "[1.2.3.4]", "[::x]", "a_b", "ä.example", "")
PORTS = (":9480", ":0", ":65535", ":65536", ":99999", ":123456", ":", ":x", "")
ADDRESSES = ("127.0.0.0", "10.1.2.3", "fd00::", "fd00::1", "fe80::%1", "::", "localhost", "1.2.3", "")
LENGTHS = ("/8", "/32", "/33", "/128", "/129", "/255.0.0.0", "/08", "/-1", "/", "")
SCHEMES = ("https://", "http://", "HTTPS://", "ftp://", "https:", "//", "")
REST = ("a.example", "a.example/*", "*.example/x", "*/", "a b.example", "a.example/#x", "u@a.example", "[::1]/", "")


def joined(*parts):
    """Every text of one part after the other, and each with something odd before, within or behind it."""
    for text in map("".join, product(*parts)):
        for odd in ODD:
            yield from (odd + text, text[: len(text) // 2] + odd + text[len(text) // 2 :], text + odd)


def too_long(text):
    return int(text[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[text[-1]] > 3650 * 86400


def nobody_s(text):
    """An address with a port or a host that there is none of."""
    host, _, port = text.rpartition(":")
    return int(port or 0) > 65535 or (host.startswith("[") and host not in {"[::1]", "[1.2.3.4]"})


def no_network(text):
    """A spelling of which no network comes: it is too long, or has host bits set."""
    try:
        ip_network(text)
    except ValueError:
        return True
    return False


def never(_):
    return False


FORMS = {
    "duration": (joined(NUMBERS, UNITS), lambda text: {"delivery": {"schedule": [text]}}, too_long),
    "rate": (joined(NUMBERS, ("/",), UNITS), lambda text: {"delivery": {"rate": text}}, never),
    "database": (joined(("sqlite:", "SQLITE:", "x:", ""), PATHS), lambda text: {"store": {"url": text}}, never),
    "address": (joined(HOSTS, PORTS), lambda text: {"server": {"listen": text}}, nobody_s),
    "network": (joined(ADDRESSES, LENGTHS), lambda text: {"delivery": {"allow_networks": [text]}}, no_network),
    "URL pattern": (joined(SCHEMES, REST), lambda text: {"server": {"notify_urls": [text]}}, None),
}
"""Spellings, where in a config each may stand, and which the schema cannot know to be wrong; None: of a URL, most."""


def whole(_, pattern, value, __):
    """As ECMA-262 has it, and so JSON Schema: `$` is the end, and not what may stand before a last line break."""
    if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), value):
        yield ValidationError("it does not match")


@pytest.mark.parametrize("form", FORMS)
def test_the_schema_takes_a_spelling_if_and_only_if_the_parser_does(form):
    validator = validators.extend(Draft202012Validator, {"pattern": whole})(json.loads(describing.SCHEMA.read_text()))
    texts, placed, is_beyond_it = FORMS[form]
    spellings = sorted(set(texts))
    shown = {text for text in spellings if validator.is_valid(placed(text))}
    taken = {text for text in spellings if not parse(placed(text))[1].faults}
    assert len(taken) >= 4, "nothing is tried"
    assert len(spellings) - len(shown) > 100, "nothing is refused"
    assert taken - shown == set()
    if is_beyond_it is not None:
        assert shown - taken == {text for text in shown if is_beyond_it(text)}
