"""Faults together: all of them, in the order of the file, each at its place, none made of another."""

import pytest
from configs import APP, ENVIRON, POSTS

from notifier.config import ConfigError, load
from notifier.config.faults import Findings
from notifier.config.position import Toml


@pytest.fixture
def told(tmp_path):
    """What is said of a text, line by line, without the folder."""

    def told(text):
        path = tmp_path / "config.toml"
        path.write_text(text)
        with pytest.raises(ConfigError) as caught:
            load(path, ENVIRON)
        assert str(caught.value) == "\n".join(map(str, caught.value.faults))
        return [str(fault).replace(f"{path}:", "") for fault in caught.value.faults]

    return told


# --- all at once


def test_all_faults_are_told_in_the_order_of_the_file(told):
    text = (
        "[[endpoints]]\n"
        'name = "app"\n'
        'url = "http://app.example.com/"\n'
        'sources = ["post"]\n'
        'secrets = [{ env = "NOT_SET" }]\n'
        'headers = { Host = "x", X-Env = 3 }\n'
        "[delivery]\n"
        'timeout = "2m"\n'
        'order = "newest"\n'
        "[[sources]]\n"
        'name = "posts"\n'
        'provider = "upload_post"\n'
        'budgett = "60/m"\n'
        "[stor]\n"
    )
    assert told(text) == [
        "3:1: endpoints.app.url: expected https; http needs allow_http = true",
        '4:1: endpoints.app.sources.1: no source has this name; did you mean "posts"?',
        "5:1: endpoints.app.secrets.1: the environment variable NOT_SET is not set",
        "6:25: endpoints.app.headers.X-Env: expected a string",
        '8:1: delivery.timeout: expected a duration from "1s" to "60s"',
        '9:1: delivery.order: expected "strict", "latest" or "none"',
        "10:1: sources.posts.api_key: missing, and it has no default",
        '13:1: sources.posts.budgett: unknown key; did you mean "budget"?',
        '14:1: stor: unknown key; did you mean "store"?',
    ]


def test_every_table_of_a_kind_has_its_own_faults(told):
    assert told('[[sources]]\n[[sources]]\nname = "a"\nprovider = "x"\napi_key = ""\n') == [
        "1:1: sources.1.name: missing, and it has no default",
        "1:1: sources.1.provider: missing, and it has no default",
        "1:1: sources.1.api_key: missing, and it has no default",
        '4:1: sources.a.provider: expected "upload_post" or "xenonflare"',
        "5:1: sources.a.api_key: the secret is empty",
    ]


def test_several_items_of_a_list_can_be_wrong(told):
    assert told(APP.replace('[{ env = "WHSEC" }]', '[1, { env = "WHSEC" }, "whsec_", 2]')) == [
        f"5:1: endpoints.app.secrets.{number}: {message}"
        for number, message in (
            (1, 'expected a string, { env = "NAME" }, { file = "PATH" } or { credential = "NAME" }'),
            (3, "expected whsec_ and the standard, padded base64 of 24 to 64 bytes"),
            (4, 'expected a string, { env = "NAME" }, { file = "PATH" } or { credential = "NAME" }'),
        )
    ]


def test_a_list_that_is_also_too_long_does_not_end_the_search(told):
    # The number of items is looked at only where each of them is right, so that it once failed the stand-ins.
    too_many = APP.replace('[{ env = "WHSEC" }]', "[1, " + '"x", ' * 10 + "]")
    number, store = told(too_many + "[store]\nkep = 1\n")
    assert number.startswith("5:1: endpoints.app.secrets.1: expected a string, ")
    assert store == '7:1: store.kep: unknown key; did you mean "keep"?'


# --- none is made of another


def test_a_source_whose_name_is_wrong_is_not_missed_by_endpoints(told):
    assert told(POSTS.replace('"posts"', '"Posts"') + APP + 'sources = ["posts"]\n') == [
        "3:1: sources.1.name: expected a name of the letters a-z, digits, _ and -"
    ]


def test_sources_that_cannot_be_read_are_not_missed_by_endpoints(told):
    assert told("sources = 3\n" + APP + 'sources = ["posts"]\n') == [
        "1:1: sources: expected tables that begin with [[sources]]"
    ]


def test_faults_of_stand_ins_are_not_told(told):
    assert told("sources = [1, 2]\nendpoints = [3, 4]\n") == [
        f"{line}:1: {table}.{number}: expected a table"
        for line, table in ((1, "sources"), (2, "endpoints"))
        for number in (1, 2)
    ]


def test_a_fault_above_or_below_another_follows_from_it():
    findings = Findings()
    findings.fault(("sources", 0, "kinds"), "first")
    findings.fault(("sources", 0, "kinds", 1), "below")
    findings.fault(("sources",), "above")
    findings.fault(("sources", 1), "beside")
    assert [finding.message for finding in findings.faults] == ["first", "beside"]
    assert findings.at_fault(("sources", 0, "kinds", 3))
    assert not findings.at_fault(("sources", 0))


# --- places


@pytest.mark.parametrize(
    ("text", "path", "place"),
    [
        ('a = 1\nb = """\nc = 1\n"""\nc = 2\n', ("c",), (5, 1)),
        ("a = [\n  1, # ]\n  2,\n]\nb = 1", ("a", 1), (1, 1)),
        ("a = [\n  [1],\n  [2],\n]\nb = 1", ("b",), (5, 1)),
        ("a = '''\n]\n}\n'''\nb = 1", ("b",), (5, 1)),
        ('\n\n# a = 1\n\n  "a" = 1', ("a",), (5, 3)),
        ("x.y.z = 1\nx.y.w = 2", ("x", "y", "w"), (2, 5)),
        ("x = { y = 1, z = { y = 2 } }", ("x", "z"), (1, 14)),
        ("x = { 'y' = 1 }", ("x", "y"), (1, 7)),
        ('"\\u0061" = 1', ("a",), (1, 1)),
        ("[a.b]\nc = 1\n[a]\nd = 2", ("a", "d"), (4, 1)),
        ("[a.b]\nc = 1\n[a]\nd = 2", ("a",), (1, 1)),
        ("[[a]]\n[[a]]\nb = 1\n[[a]]", ("a", 2), (4, 1)),
        ("[[a]]\n[[a]]\nb = 1\n[[a]]", ("a", 1, "missing"), (2, 1)),
        ("[[a]]", ("missing", 0), (1, 1)),
        ("", ("missing",), (1, 1)),
        ("a = 'x'\r\nb = 1\r\n", ("b",), (2, 1)),
        ("# \u2028 is no line's end here\nb = 1\n", ("b",), (2, 1)),
        ("a = 1", ("a", 0), (1, 1)),
        ("max = 1\nmax-a = { x = 2 }\nin-max = 3\n", ("max-a", "x"), (2, 11)),
    ],
)
def test_a_key_is_found_at_its_line_and_column(text, path, place):
    assert Toml(text).position(path) == place


def test_a_long_list_does_not_make_a_fault_slow_to_find():
    # Every line of a list was once tried as its end, and each try read all of the text: quadratic in its length.
    lines = "".join(f'  "id-{number}",\n' for number in range(3000))
    assert Toml(f"a = [\n{lines}]\nb = 1\n").position(("b",)) == (3003, 1)
