"""The files of the status page, and how they are served."""

import re
from importlib import resources

import pytest
from asking import BEARER, served
from test_reference import parsed

from notifier.server.status_page import FILES, POLICY

FOLDER = resources.files("notifier.server") / "page"


@pytest.mark.parametrize("path", FILES)
async def test_each_file_is_served_with_a_strict_policy_to_whom_the_daemon_knows(tmp_path, path):
    async with served(tmp_path) as (_, caller, stranger):
        said = await caller.ask("GET", path)
        name, kind = FILES[path]
        assert (said.status, said.body) == (200, (FOLDER / name).read_text())
        assert said.headers["Content-Type"] == f"{kind}; charset=utf-8"
        assert said.headers["Content-Security-Policy"] == POLICY
        assert said.headers["X-Content-Type-Options"] == "nosniff"
        assert said.headers["Referrer-Policy"] == "no-referrer"
        assert (await stranger.ask("GET", path)).headers["WWW-Authenticate"].startswith("Basic realm=")
        assert (await stranger.ask("GET", path, headers=BEARER)).status == 200


def test_the_page_has_nothing_inline_and_nothing_from_elsewhere():
    page = (FOLDER / "index.html").read_text()
    assert re.findall(r"<(?:script|style)[^>]*>(?=[^<])", page) == []
    assert re.findall(r"\s(?:on\w+|style)=", page) == []
    for name, _ in FILES.values():
        assert re.findall(r"(?:https?:)?//[a-z]", (FOLDER / name).read_text().replace("// ", "")) == []


def test_what_the_page_tells_people_to_type_is_a_command_that_there_is():
    typed = re.findall(r'"notifier ([^"]+)"', (FOLDER / "page.js").read_text())
    assert len(typed) > 3
    for one in typed:
        parsed(one.split())


def test_nothing_that_is_told_becomes_html():
    script = (FOLDER / "page.js").read_text()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(", script)
