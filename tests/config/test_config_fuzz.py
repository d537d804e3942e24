"""Configs as no person writes them: whatever the bytes, every fault is told as one, and nothing else is raised.

`make fuzz` tries many more of them.
"""

import re
import tempfile
from pathlib import Path

from configs import APP, DESCRIBED, ENCODINGS, ENVIRON, KEY, LEGACY, LIST, MEDIA, POSTS, SINGLE, WHSEC
from hypothesis import given
from hypothesis import strategies as st

from notifier.config import ConfigError, load

ROOT = Path(__file__).parents[2]
SEEDS = [
    POSTS + MEDIA + ENCODINGS + APP + LEGACY,
    DESCRIBED + LIST + SINGLE + APP,
    (ROOT / "config.example.toml").read_text(),
    re.sub(r"^# ?(?=[\w\[])", "", (ROOT / "config.example.toml").read_text(), flags=re.MULTILINE),
]
"""Good ones to begin with; the last has most of its keys."""
ODD = [
    '""', "''", "0", "-1", "1e999", "nan", "-inf", "9999999999999999999999", "true", "[]", "{}", "[[]]", "[{}]",
    '"\\u0000"',
    '"\\uFFFF"', '"é\u202e"', '"' + "x" * 5000 + '"', "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", '"0s"',
    '"999999999d"',
    '"http://["', '"https://user:word@[::1%25eth0]:99999/?#"', '{ env = "KEY" }', '{ env = "" }', '{ file = "/" }',
    '{ file = "\\u0000" }', '{ credential = "../x" }', '{ env = "KEY", file = "x" }', '"{page}{"', '"*"', '["*", 1]',
    '"a[?b"',
    "[" * 200 + "]" * 200, '"127.0.0.1:0"', '"::/0"', '"0/s"', '"sqlite:\\n"', "1_000", "0x7f", '"""\n"""',
]  # fmt: skip
"""Values that fit nowhere, or only where nobody expects them."""
VALUE = re.compile(r"(?<== )[^\n]+")


@st.composite
def configs(draw):
    """A good config, a few times spoilt: a value is another, lines are gone, come again or elsewhere, a byte is any."""
    text = draw(st.sampled_from(SEEDS))
    for spoil in draw(st.lists(st.sampled_from([another_value, without_lines, lines_again, another_text]), max_size=5)):
        text = spoil(draw, text)
    return text


def another_value(draw, text):
    found = list(VALUE.finditer(text))
    if not found:
        return text
    one = draw(st.sampled_from(found))
    return text[: one.start()] + draw(st.sampled_from(ODD)) + text[one.end() :]


def span(draw, lines):
    first = draw(st.integers(0, len(lines)))
    return first, draw(st.integers(first, min(len(lines), first + 8)))


def without_lines(draw, text):
    lines = text.splitlines()
    first, last = span(draw, lines)
    return "\n".join(lines[:first] + lines[last:])


def lines_again(draw, text):
    lines = text.splitlines()
    first, last = span(draw, lines)
    to = draw(st.integers(0, len(lines)))
    return "\n".join(lines[:to] + lines[first:last] + lines[to:])


def another_text(draw, text):
    at = draw(st.integers(0, len(text)))
    return text[:at] + draw(st.text(max_size=4)) + text[at + draw(st.integers(0, 4)) :]


def read(content):
    """What is told of a config of these bytes, fault by fault; none where it is good."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.toml"
        path.write_bytes(content)
        try:
            load(path, ENVIRON)
        except ConfigError as error:
            return [str(fault).removeprefix(f"{folder}/") for fault in error.faults] or ["refused without a word"]
    return []


def test_what_is_spoilt_was_good_but_for_what_the_machine_lacks():
    assert [read(text.encode()) for text in SEEDS[:2]] == [[], []]
    assert [fault for fault in read(SEEDS[2].encode()) if "is not set" not in fault] == []


@given(configs())
def test_no_config_raises_anything_but_its_faults(text):
    told = read(text.encode(errors="surrogatepass"))
    assert all(re.match(r"config\.toml(:\d+:\d+)?: .", fault) for fault in told), told
    assert not [fault for fault in told if KEY in fault or WHSEC in fault]


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_their_faults(content):
    assert all(re.match(r"config\.toml(:\d+:\d+)?: .", fault) for fault in read(content))
