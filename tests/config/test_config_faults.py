"""Faults together: all of them, in the order of the file, each at its place, none made of another."""

import pytest
from configs import ANY_PROVIDER, APP, ENVIRON, POSTS

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
        "6:13: endpoints.app.headers.Host: notifier itself says what this header holds",
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
        f"4:1: sources.a.provider: expected {ANY_PROVIDER}",
        "5:1: sources.a.api_key: the secret is empty",
    ]


def test_every_header_that_is_wrong_is_told(told):
    # The whole table once went with the first of them that is no string.
    headers = 'headers = { Host = "x", X-Env = 3, "a b" = "c", X-One = "1", x-one = "2", X-Two = true }\n'
    assert [line.split(": ")[1] for line in told(POSTS + APP + headers)] == [
        f"endpoints.app.headers.{name}" for name in ("Host", "X-Env", '"a b"', "x-one", "X-Two")
    ]


def test_an_endpoint_where_the_daemon_itself_listens_is_told(told):
    server = '[server]\nlisten = "127.0.0.1:{}"\n'
    same = "one of the two needs another"
    at_ours = POSTS + APP.replace(".com/", ".com:9480/")
    assert [line.endswith(same) for line in told(at_ours + server.format(9480))] == [True]
    broken = told(at_ours + server.format("9480x"))
    assert [line.split(": ")[1] for line in broken] == ["server.listen"]


def test_every_part_of_a_description_that_is_wrong_is_told(told):
    text = (
        POSTS.replace("upload_post", "http_json")
        + 'statuses = { done = "completed", Done = "failed", odd = "complete", error = 3, " " = "failed" }\n'
        + 'fields = { titel = "name", status = "a..b" }\n'
        + 'list = { url = "/jobs?page={pge}", paging = "page", cursor = "next", more = "lenght(@)" }\n'
        + 'single = { url = "jobs", missing = [200, 404, 401] }\n'
    )
    assert [line.split(": ")[1] for line in told(text)] == [
        "sources.posts.base_url",
        "sources.posts.api_key",
        "sources.posts.statuses.Done",
        "sources.posts.statuses.odd",
        "sources.posts.statuses.error",
        'sources.posts.statuses." "',
        "sources.posts.fields.id",
        "sources.posts.fields.titel",
        "sources.posts.fields.status",
        "sources.posts.list.url",
        "sources.posts.list.cursor",
        "sources.posts.list.more",
        "sources.posts.single.missing.1",
        "sources.posts.single.missing.3",
        "sources.posts.single.url",
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


def test_an_unknown_source_is_told_although_the_name_of_another_is_wrong(told):
    # Endpoints were once not looked at where any source had a fault in its name.
    text = POSTS + POSTS.replace('"posts"', '"Media"') + APP + 'sources = ["post", "media", "!elsewhere"]\n'
    assert told(text) == [
        "8:1: sources.2.name: expected a name of the letters a-z, digits, _ and -",
        '16:1: endpoints.app.sources.1: no source has this name; did you mean "posts"?',
        "16:1: endpoints.app.sources.3: no source has this name",
    ]


def test_an_unknown_source_may_be_the_one_without_a_name_unless_it_is_nearly_another(told):
    text = POSTS + '[[sources]]\nprovider = "upload_post"\napi_key = { env = "KEY" }\n' + APP
    assert told(text + 'sources = [3, "media", "post"]\n') == [
        "6:1: sources.2.name: missing, and it has no default",
        '14:1: endpoints.app.sources.1: expected the name of a source or a pattern like "*"',
        '14:1: endpoints.app.sources.3: no source has this name; did you mean "posts"?',
    ]


def test_a_source_that_is_no_table_may_have_any_name(told):
    assert told("sources = [1]\n" + APP + 'sources = ["posts"]\n') == ["1:1: sources.1: expected a table"]


def test_a_source_without_a_provider_is_not_told_which_keys_it_lacks(told):
    assert told('[[sources]]\nname = "posts"\n') == ["1:1: sources.posts.provider: missing, and it has no default"]


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


def test_a_list_of_tables_in_many_lines_does_not_make_a_fault_slow_to_find():
    lines = "".join(f"  {{ id = {number} }},\n" for number in range(3000))
    assert Toml(f"a = [\n{lines}]\nb = 1\n").position(("b",)) == (3003, 1)


def test_thousands_of_faults_are_told_each_at_its_line(told):
    # Each once cost a dozen readings of the whole text.
    text = "".join(f'[[sources]]\nname = "s{number}"\nprovider = "x"\napi_kye = "k"\n' for number in range(2000))
    lines = told(text)
    assert len(lines) == 4000
    assert lines[-1] == '8000:1: sources.s1999.api_kye: unknown key; did you mean "api_key"?'


@pytest.mark.parametrize("parts", [65, 66, 5000])
def test_a_key_of_very_many_parts_is_a_fault_and_no_crash(told, parts):
    # Copying what was read once ended in a RecursionError.
    (line,) = told("[delivery]\n" + ".".join(["a"] * parts) + " = 1\n")
    deep = "2:1: nested too deep: no key of a config is"
    assert line == ("2:1: delivery.a: unknown key" if parts < 66 else deep)


def test_a_header_and_a_key_that_are_long_together_are_no_crash(told):
    name = ".".join(["a"] * 64)
    (line,) = told(f"[{name}]\n{name} = 1\n")
    assert line.startswith("1:1: a: unknown key")
