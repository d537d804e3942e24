"""Whatever stands in a config: it is refused in our words, and no value of it is shown."""

import json
import math
import tomllib

import pytest
from configs import ENVIRON, GOOD, KEY, WHSEC
from hypothesis import given
from hypothesis import strategies as st

from notifier.config import ConfigError, load
from notifier.config.models import (
    AuthTable,
    BasicTable,
    EncodingTable,
    EndpointTable,
    FieldsTable,
    File,
    ListTable,
    ServerTable,
    SingleTable,
    SourceTable,
    StoreTable,
    TargetsTable,
)
from notifier.config.parsing import parse
from notifier.core.secret import Secret

DESCRIBED = {
    "auth": AuthTable,
    "list": ListTable,
    "single": SingleTable,
    "fields": FieldsTable,
    "targets": TargetsTable,
}
MARKER = "GEHEIM! schön"
"""Stands where a value stands; it is no name, so that nothing has a reason to show it."""


def refusal(path):
    """Why the config is refused; None: it is right."""
    try:
        load(path, ENVIRON)
    except ConfigError as error:
        return error
    return None


# --- nothing secret is shown


def everywhere():
    """A config for each place of a value, known or misspelt, with the marker in several shapes there."""
    value = json.dumps(MARKER, ensure_ascii=False)
    shapes = (
        value,
        f"[{value}]",
        f"{{ x = {value} }}",
        f'"whsec_{MARKER}"',
        f'"https://{MARKER}@x/?{MARKER}#{MARKER}"',
    )
    tables = {
        "[store]\n": StoreTable.model_fields,
        "[server]\n": ServerTable.model_fields,
        "[server.encoding]\n": EncodingTable.model_fields,
        "[delivery]\n": EndpointTable.model_fields,
        "[[sources]]\n": SourceTable.model_fields,
        **{
            f'[[sources]]\nprovider = "http_json"\n[sources.{key}]\n': table.model_fields
            for key, table in DESCRIBED.items()
        },
        "[[endpoints]]\n": EndpointTable.model_fields,
        "[[endpoints]]\n[endpoints.basic]\n": BasicTable.model_fields,
        "": File.model_fields,
    }
    for header, keys in tables.items():
        for key in (*keys, "api_kye", "tokn", "user_kye", "secret", "password"):
            for shape in shapes:
                yield f"{header}{key} = {shape}\n"
    yield from (f"{value} {value}\n", f"a = {value} {value}\n", f'a = "{MARKER}\n', f"a = '{MARKER}\n", f"a = {MARKER}")


def test_no_fault_shows_a_value(tmp_path):
    path = tmp_path / "config.toml"
    count = 0
    for text in everywhere():
        path.write_text(text)
        error = refusal(path)
        if error:
            count += 1
            assert "GEHEIM" not in f"{error} {error!r} {error.faults}", text
            assert error.__cause__ is None
    assert count > 700


def test_a_secret_of_the_environment_is_not_shown_where_it_is_wrong(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(
        GOOD + '[server]\ntoken = { env = "TOKEN" }\nencoding = { user_id = "1", user_key = { env = "WHSK" } }'
    )
    wrong = {"KEY": f"{MARKER}\n{MARKER}", "WHSEC": MARKER, "TOKEN": f"{MARKER}\0", "WHSK": MARKER, "HOME": "/"}
    with pytest.raises(ConfigError) as caught:
        load(path, wrong)
    assert len(caught.value.faults) == 4
    assert "GEHEIM" not in f"{caught.value} {caught.value!r}"


def test_what_was_read_shows_no_secret(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(GOOD + f'headers = {{ Authorization = "Bearer {KEY}" }}\n[server]\ntoken = "{KEY}"\n')
    file, _ = parse(tomllib.loads(path.read_text()))
    for shown in (repr(load(path, ENVIRON)), repr(file), str(file)):
        assert KEY not in shown
        assert WHSEC not in shown
    assert load(path, ENVIRON).token == Secret(KEY)


# --- whatever stands there


TABLES_OF_ALL_KINDS = (StoreTable, ServerTable, EndpointTable, SourceTable, *DESCRIBED.values())
KEYS = sorted({key for table in TABLES_OF_ALL_KINDS for key in table.model_fields})
SCALARS = (
    st.sampled_from(
        [
            "5s",
            "60/m",
            "posts",
            "upload_post",
            "http_json",
            "encoding_com",
            "/a/{id}",
            "/a?b={page}",
            "page",
            "a.b",
            "videos",
            "*",
            "https://a.example",
            WHSEC,
            "127.0.0.0/8",
            "",
        ]
    )
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
    | st.integers(-3, 2000)
    | st.floats()
    | st.booleans()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=12) | st.dictionaries(st.sampled_from([*KEYS, "env", "odd"]), inner, max_size=3)
    ),
    max_leaves=15,
)
TABLES = st.dictionaries(st.sampled_from(KEYS) | st.text("abc. é\x1b", max_size=3), VALUES, max_size=8)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("store", "server", "delivery"), TABLES | VALUES),
        **dict.fromkeys(("sources", "endpoints"), st.lists(TABLES | VALUES, max_size=3) | VALUES),
        "odd": VALUES,
    },
)


def inline(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{inline(key)} = {inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


@given(DOCUMENTS)
def test_any_document_is_read_or_refused_in_our_words(tmp_path_factory, document):
    path = tmp_path_factory.getbasetemp() / "any.toml"
    lines = [f"{key} = {inline(value)}" for key, value in document.items()]
    path.write_text("\n".join(lines))
    error = refusal(path)
    for fault in error.faults if error else ():
        assert 1 <= fault.line <= len(lines)
        assert 1 <= fault.column <= len(lines[fault.line - 1])
        assert fault.key.startswith(lines[fault.line - 1].split(" = ")[0])
        assert str(fault).isprintable()
