"""A config that includes others: one document, and every fault in the file where it stands."""

import pytest
from configs import APP, ENVIRON, KEY, MEDIA, POSTS, WHSEC

from notifier.config import ConfigError, load
from notifier.config.including import LARGEST, MOST

HEAD = 'include = ["conf.d/*.toml"]\n'


@pytest.fixture
def place(tmp_path):
    """Files by their names, read as one config: the names of its sources and endpoints, or its faults."""

    def place(main, **others):
        folder = tmp_path / "conf.d"
        folder.mkdir(exist_ok=True)
        for name, text in {"../config": main, **others}.items():
            path = folder / f"{name}.toml"
            path.write_text(text)
            path.chmod(0o600)
        try:
            settings = load(tmp_path / "config.toml", ENVIRON)
        except ConfigError as error:
            return [str(fault).removeprefix(f"{tmp_path}/") for fault in error.faults]
        return [one.name for one in (*settings.sources, *settings.endpoints)]

    return place


def test_what_is_included_comes_after_in_the_order_of_the_names(place):
    assert place(HEAD + POSTS, b=MEDIA, a=APP.replace('"app"', '"one"'), c=APP) == ["posts", "media", "one", "app"]


def test_a_file_that_several_patterns_find_is_read_once_and_the_config_not_again(place):
    assert place('include = ["conf.d/a*", "conf.d/*", "*.toml"]\n' + POSTS, a=APP) == ["posts", "app"]


def test_an_absolute_path_is_one(place, tmp_path):
    (tmp_path / "apart.toml").write_text(MEDIA)
    assert place(f'include = ["{tmp_path}/apart.toml"]\n' + POSTS + APP) == ["posts", "media", "app"]


def test_a_pattern_that_finds_nothing_is_no_fault_but_a_name_is(place):
    assert place(HEAD + POSTS + APP) == ["posts", "app"]
    assert place('include = ["conf.d/*.toml",\n "more.toml"]\n' + POSTS + APP) == [
        "config.toml:1:1: include.2: there is no such file"
    ]


def test_every_fault_is_told_with_its_own_file_and_line(place):
    told = place(HEAD + POSTS + "budgett = 1\n", a=MEDIA + APP + 'timeout = "5"\n', b=APP, c=POSTS + "reserve = 2\n")
    assert [fault.partition(": expected")[0] for fault in told] == [
        'config.toml:7:1: sources.posts.budgett: unknown key; did you mean "budget"?',
        "conf.d/a.toml:11:1: endpoints.app.timeout",
        "conf.d/b.toml:3:1: endpoints.app.name: another of the endpoints has this name",
        "conf.d/c.toml:3:1: sources.posts.name: another of the sources has this name",
        "conf.d/c.toml:6:1: sources.posts.reserve",
    ]


def test_what_stands_in_the_config_alone_is_a_fault_anywhere_else(place):
    words = "expected [[sources]] and [[endpoints]] alone: all else stands in the config that includes this"
    delivery = '[delivery]\ntimeout = "5s"\n'
    told = place(HEAD + POSTS + "budgett = 1\n", a=delivery, b='include = ["c"]\n', c="[sources]\n")
    assert told == [
        f"conf.d/a.toml:1:1: delivery: {words}",
        f"conf.d/b.toml:1:1: include: {words}",
        f"conf.d/c.toml:1:1: sources: {words}",
        'config.toml:7:1: sources.posts.budgett: unknown key; did you mean "budget"?',
    ]


def test_a_file_that_is_no_config_is_told_and_all_of_them(place, tmp_path):
    folder = tmp_path / "conf.d"
    folder.mkdir()
    (folder / "d.toml").mkdir()
    (folder / "e.toml").write_bytes(b"\xff")
    (folder / "f.toml").write_bytes(b"#" * (LARGEST + 1))
    told = place(HEAD + POSTS, a="x = \n")
    assert [fault.partition(": ")[0] for fault in told] == [
        "conf.d/a.toml:1:5", "conf.d/d.toml", "conf.d/e.toml:1:1", "conf.d/f.toml"
    ]  # fmt: skip


def test_there_is_an_end_to_what_is_included(place, tmp_path):
    folder = tmp_path / "conf.d"
    folder.mkdir()
    for number in range(MOST + 1):
        (folder / f"{number}.toml").touch()
    assert place(HEAD + POSTS) == [f"config.toml:1:1: include.1: expected at most {MOST} files in all"]


@pytest.mark.parametrize("include", ['"conf.d/*"', "[7]", "[[]]", '[""]', '["\\u0000*"]'])
def test_what_to_include_is_a_list_of_patterns(place, include):
    (fault,) = place(f"include = {include}\n" + POSTS + APP, a=MEDIA)
    assert fault.startswith("config.toml:1:1: include")


def test_a_secret_in_an_included_file_that_others_can_read_is_warned_of(place, tmp_path):
    text = POSTS.replace('{ env = "KEY" }', f'"{KEY}"')
    place(HEAD + APP, a=text)
    assert load(tmp_path / "config.toml", ENVIRON).warnings == ()
    (tmp_path / "conf.d" / "a.toml").chmod(0o644)
    (warning,) = load(tmp_path / "config.toml", ENVIRON).warnings
    assert warning.startswith(f"{tmp_path}/conf.d/a.toml:5:1: sources.posts.api_key")
    assert KEY not in warning
    assert WHSEC not in warning
