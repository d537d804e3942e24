"""What is handed to Prometheus and Grafana: alerts and a dashboard that speak of what there is, as both read it.

`promtool` comes with Debian's package `prometheus`. Where it is missing its tests are skipped, or fail with
NOTIFIER_REQUIRE_PROMTOOL set.
"""

import json
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from platform import python_version

import click
import pytest
import tables
import yaml
from aiohttp import ClientSession
from daemons import KEY, SECRETS, Hooks, Systemd, config
from foreign import absent, insist
from prometheus_client.parser import text_string_to_metric_families

from notifier import __version__
from notifier.cli import notifier
from notifier.demo.daemon import Daemon
from notifier.demo.xenonflare import FakeXenonFlare, Media

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "contrib" / "prometheus"
ALERTS = [rule for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"] for rule in group["rules"]]
TRIED = yaml.safe_load((FOLDER / "alerts_test.yml").read_text())["tests"]
DASHBOARD = json.loads((ROOT / "contrib" / "grafana" / "notifier.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
TARGETS = [(panel["title"], target) for panel in PANELS for target in panel["targets"]]
FAMILIES = {tables.name(family): family for family in tables.families()}
OF_PROMETHEUS = {"job", "instance"}
"""Labels that it adds itself."""
SELECTOR = re.compile(r"\b(notifier_\w+|process_\w+|up)\b(?:\{(.*?)\})?")
MATCHER = re.compile(r'(\w+)(=~|=)"(.*?)"')
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "CHANGELOG.md")


def promtool(*arguments, given=None):
    """What it says of something, or nothing where that is right."""
    insist(absent("promtool", "prometheus"), "NOTIFIER_REQUIRE_PROMTOOL")
    ran = subprocess.run(
        ["promtool", *arguments], cwd=FOLDER, input=given, capture_output=True, text=True, check=False, timeout=60
    )
    return "" if ran.returncode == 0 else ran.stdout + ran.stderr or f"status {ran.returncode}"


def each(rules):
    return pytest.mark.parametrize("rule", rules, ids=lambda rule: rule["alert"])


def series(name):
    """The metric that a series belongs to, and the labels that it may have with the values that are foreseen."""
    family = FAMILIES.get(name) or FAMILIES[re.sub("_(bucket|sum|count)$", "", name)]
    own = {}
    for sample in family.samples:
        for label, value in sample.labels.items() if sample.name == name else ():
            own.setdefault(label, set()).add(value)
    return own


def selected(expression):
    """Each series that an expression asks for: its name, and the labels by which it is chosen, with their values."""
    for name, matchers in SELECTOR.findall(expression):
        yield (
            name,
            [
                (label, value.split("|") if kind == "=~" else [value])
                for label, kind, value in MATCHER.findall(matchers)
            ],
        )


def labels(expression):
    """All that what an expression asks for may have."""
    found = set(OF_PROMETHEUS)
    for name, _ in selected(expression):
        found |= set() if name == "up" else series(name).keys()
    return found


def kept(expression):
    """Those that its value has: the ones that it is summed by, where it is."""
    summed = re.findall(r"\bby \((.*?)\)", expression)
    assert {label for one in summed for label in one.split(", ")} <= labels(expression)
    return {label for one in summed for label in one.split(", ")} or labels(expression)


@pytest.fixture
async def scraped(tmp_path, unused_tcp_port):
    """What the real daemon answers."""
    listen, headers = f"127.0.0.1:{unused_tcp_port}", {"Authorization": "Bearer a-token"}
    media = FakeXenonFlare([Media("one")], time.time, key=KEY)
    run = (sys.executable, "-m", "notifier", "run", "--config")
    async with media, Hooks() as hooks:
        text = config(media.base_url, {"app": hooks.url}, listen=listen, server='token = { env = "TOKEN" }')
        with Systemd(tmp_path / "notify") as systemd:
            async with Daemon(tmp_path, text, {**SECRETS, **systemd.environ, "TOKEN": "a-token"}, run):
                await hooks.got(1)
                async with ClientSession(headers=headers) as session, session.get(f"http://{listen}/metrics") as answer:
                    return await answer.text()


# --- what is measured


def test_the_daemon_tells_what_is_documented_and_nothing_else(scraped):
    told = {tables.name(family): family for family in text_string_to_metric_families(scraped)}
    assert told.keys() == FAMILIES.keys()
    for name, family in told.items():
        assert not family.samples or set(tables.labels(family)) == set(tables.labels(FAMILIES[name])), name


def test_no_label_is_an_id_or_a_url(scraped):
    configured = {"source": {"media"}, "endpoint": {"app"}, "version": {__version__}, "python": {python_version()}}
    for family in text_string_to_metric_families(scraped):
        for sample in family.samples:
            known = series(sample.name) | configured
            assert all(value in known[label] for label, value in sample.labels.items()), sample


def test_promtool_has_no_objection_to_it(scraped):
    assert promtool("check", "metrics", given=scraped) == ""


# --- what they name is there


@pytest.mark.parametrize(
    "expression",
    [*(rule["expr"] for rule in ALERTS), *(target["expr"] for _, target in TARGETS)],
    ids=lambda one: one[:60],
)
def test_what_is_asked_for_is_measured_and_has_these_labels(expression):
    asked = list(selected(expression))
    assert asked
    for name, matchers in asked:
        own = {} if name == "up" else series(name)
        for label, values in matchers:
            assert label in own.keys() | OF_PROMETHEUS, (name, label)
            if label in own:
                assert set(values) <= own[label], (name, label)
    assert kept(expression)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_metric_that_a_document_names_is_measured(path):
    for name in re.findall(r"`(notifier_\w+)", path.read_text()):
        assert name in FAMILIES, name


def test_nothing_is_measured_that_the_dashboard_does_not_show():
    shown = {name for _, target in TARGETS for name, _ in selected(target["expr"])}
    assert {name for name in FAMILIES if not {name, f"{name}_bucket"} & shown} == set()


# --- the alerts


@each(ALERTS)
def test_an_alert_says_how_urgent_it_is_what_is_wrong_and_what_to_do(rule):
    assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"Notifier([A-Z][a-z]+)+", rule["alert"])
    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"].keys() == {"summary", "cure"}
    for text in rule["annotations"].values():
        assert set(re.findall(r"\$labels\.(\w+)", text)) <= kept(rule["expr"])
    assert commands(rule["annotations"]["cure"]), "a cure names what to type"


@each(ALERTS)
def test_what_a_cure_has_us_type_is_a_command(rule):
    for command in commands(rule["annotations"]["cure"]):
        program, *arguments = shlex.split(re.sub(r"{{.*?}}", "x", command))
        if program == "notifier":
            parsed(notifier, arguments)
        else:
            assert program in {"systemctl", "journalctl"}


def commands(text):
    return [words for words in re.findall("`(.*?)`", text) if " " in words]


def parsed(group, arguments):
    """Read a command line as the program would, and do nothing."""
    context = click.Context(group)
    _, command, rest = group.resolve_command(context, list(arguments))
    if isinstance(command, click.Group):
        parsed(command, rest)
    else:
        command.make_context(command.name, [one.replace("FILE", "/dev/null") for one in rest], parent=context)


def test_each_alert_is_tried_on_who_is_well_and_on_who_is_not():
    for rule, tried in zip(ALERTS, TRIED, strict=True):
        quiet, fires = tried["alert_rule_test"]
        assert quiet["alertname"] == fires["alertname"] == rule["alert"]
        assert quiet["exp_alerts"] == []
        assert len(fires["exp_alerts"]) == 1
        assert len(tried["input_series"]) >= 2


def test_the_alerts_are_as_prometheus_reads_them():
    assert promtool("check", "rules", "alerts.yml") == ""


def test_the_alerts_tell_of_who_is_not_well_and_of_nobody_else():
    assert promtool("test", "rules", "alerts_test.yml") == ""


# --- the dashboard


def test_the_dashboard_asks_what_prometheus_can_answer(tmp_path):
    known = {"$__rate_interval": "5m", "$job": ".*", "$instance": ".*"}
    rules = []
    for number, (_, target) in enumerate(TARGETS):
        expression = re.sub(r"\$\w+", lambda found: known[found[0]], target["expr"])
        rules.append({"record": f"asked_{number}", "expr": expression})
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert promtool("check", "rules", str(tmp_path / "rules.yml")) == ""


@pytest.mark.parametrize(("title", "target"), TARGETS, ids=lambda one: one if isinstance(one, str) else one["refId"])
def test_every_query_is_of_the_instances_that_are_chosen_and_is_named_by_what_it_has(title, target):
    for _, matchers in selected(target["expr"]):
        assert {label: values for label, values in matchers if label in OF_PROMETHEUS} == {
            "job": ["$job"], "instance": ["$instance"],
        }  # fmt: skip
    assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= kept(target["expr"])


def test_the_dashboard_has_its_variables_and_its_rows():
    assert [one["name"] for one in DASHBOARD["templating"]["list"]] == ["datasource", "job", "instance"]
    rows = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    assert rows == ["Health", "Detection", "Delivery", "Providers", "Process"]
    assert DASHBOARD["id"] is None  # it is given by the Grafana that reads it
    assert {panel["datasource"]["uid"] for panel in PANELS} == {"${datasource}"}
    assert all(panel["title"] and panel["description"] for panel in PANELS)


def test_no_panel_lies_upon_another():
    taken = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert max(x for x, _ in cells) < 24
        assert not cells & taken
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
