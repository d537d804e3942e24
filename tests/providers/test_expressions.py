"""JMESPath as the config has it: refused early where it is wrong, silent where a document does not fit it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.providers.expressions import BadExpression, compiled

DOCUMENT = {"data": {"jobs": [{"id": 1, "state": "done"}, {"id": 2}]}, "job-id": "a", "none": None, "text": "x"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@", DOCUMENT),
        ("data.jobs[].id", [1, 2]),
        ("data.jobs[0:1].state | [0]", "done"),
        ('"job-id"', "a"),
        ("!error", True),
        ("length(data.jobs) > `1`", True),
        ("not_null(missing, none, 'x')", "x"),
        ("merge(@, {a: 'b'}).a", "b"),
        ("data.missing", None),
        ("text.deeper[0].still", None),
    ],
)
def test_an_expression_is_asked_of_a_document(text, said):
    assert compiled(text)(DOCUMENT) == said


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ("length(none)", DOCUMENT),
        ("sort_by(data.jobs, &state)", DOCUMENT),
        ("ceil(@)", float("inf")),
        ("floor(@)", float("nan")),
        ("[::0]", [1]),
        ("avg(@)", [10**400, 1]),
    ],
)
def test_what_makes_no_sense_in_a_document_is_null_and_no_error(text, document):
    assert compiled(text)(document) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no JMESPath: it cannot be read on"),
        ("data.", "no JMESPath: it cannot be read on at its end"),
        ("data..id", "no JMESPath: it cannot be read on at character 6"),
        ("job-id", "no JMESPath: it cannot be read on at character 4"),
        ("a + b", "no JMESPath: it cannot be read on at character 3"),
        ("'a", "no JMESPath: it cannot be read on at character 1"),
        ("a == `done`", "a literal in backticks is JSON, and a text stands in single quotes"),
        ("[" + "9" * 5000 + "]", "no JMESPath: a number has too many digits"),
        ("(" * 5000 + "a" + ")" * 5000, "the expression is nested too deep"),
        ("a" + "|a" * 500, "the expression is nested too deep"),
        ("lenght(@)", "JMESPath has no such function"),
        ("a[?nope(b)] | [0]", "JMESPath has no such function"),
        ("length()", "length() takes 1 argument"),
        ("contains(@)", "contains() takes 2 arguments"),
        ("contains(@, @, @)", "contains() takes 2 arguments"),
        ("not_null()", "not_null() takes at least 1 argument"),
    ],
)
def test_what_is_no_expression_is_said_in_our_words(text, said):
    with pytest.raises(BadExpression) as caught:
        compiled(text)
    assert str(caught.value) == said
    assert caught.value.__cause__ is None


def test_the_function_that_nobody_knows_is_handed_on_for_a_suggestion():
    with pytest.raises(BadExpression) as caught:
        compiled("a || lenght(@)")
    assert caught.value.function == "lenght"


PIECES = st.sampled_from(
    [
        "a",
        "b",
        ".",
        "[",
        "]",
        "[?",
        "*",
        "`1`",
        "`x`",
        "'x",
        "'",
        '"',
        "length(",
        ")",
        "&",
        "|",
        "{",
        "}",
        ":",
        "-",
        "@",
    ]
)


@given(st.one_of(st.text(max_size=20), st.lists(PIECES, max_size=12).map("".join)))
def test_any_text_is_an_expression_or_is_refused(text):
    try:
        ask = compiled(text)
    except BadExpression:
        return
    for document in (DOCUMENT, None, 7, [], "text", [[1, "a", None]], float("inf")):
        ask(document)
