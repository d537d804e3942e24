"""what the code knows → the tables of the documents; run as a script, it writes them anew."""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from itertools import groupby
from math import inf
from pathlib import Path
from typing import Any

import catalog
import commands
import describing
import keys
import lines
import telling
from mutating import changes
from prometheus_client.core import Metric
from providing import source

from notifier.core.encoding_com import ENCODING_COM, medium
from notifier.core.health import WELL
from notifier.core.model import LookKind, Observation, Rate, Status, Target, TargetStatus, Upload
from notifier.core.rhythm import Listing, Steps
from notifier.core.spread import Spread
from notifier.providers import (
    PROVIDERS,
    encoding_com_formats,
    schedpilot,
    schedpilot_posts,
    upload_post,
    upload_post_rows,
    xenonflare,
)
from notifier.providers.base import Provider
from notifier.server.exposition import registry
from notifier.server.process import MEASURES
from notifier.server.readings import Reading, Shown, SourceShown, Vitals
from notifier.store.database import COMMITS
from notifier.store.history import Figures, Queue
from notifier.tally import FOLLOWED, Looks, Tally

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
VERIFY, ADD = DOCS / "how-to" / "verify.md", DOCS / "how-to" / "add-a-provider.md"
OWN = "tests/providers/acme.py"
"""A provider module to start from."""
RECEIVERS = {
    "tests/python/verify.py": "python",
    "tests/node/plain.mjs": "js",
    "tests/php/verify.php": "php",
    "tests/ruby/verify.rb": "ruby",
    "tests/java/Verify.java": "java",
}
"""Those that tests/test_languages.py runs, and what each is written in."""
DOCUMENT, METRICS, CALLS = DOCS / "providers.md", DOCS / "metrics.md", DOCS / "encoding-com.md"
RELIABILITY = DOCS / "reliability.md"
DOCUMENTS = (
    *(DOCUMENT, METRICS, CALLS, RELIABILITY, VERIFY, ADD),
    *(lines.DOCUMENT, commands.DOCUMENT, keys.DOCUMENT, telling.DOCUMENT),
)
"""Those with tables that are made here."""
TABLE = re.compile(r"(<!-- generated: (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)
UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
WHOLE = {name: one.of(source(name, "https://api.example.com")) for name, one in PROVIDERS.items()}
"""Each provider with all that it can be asked."""
ENCODING_PARTS = {
    word: encoding_com_formats.PARTS[meant]
    for word, meant in encoding_com_formats.STATUSES.items()
    if meant is not Status.GONE  # of what is removed no formats are told
}

TEN = (
    *("New", "Downloading", "Downloaded", "Ready to process", "Waiting for encoder"),
    *("Processing", "Saving", "Finished", "Error", "Stopped"),
)
"""The words that Encoding.com has for a media, in the order in which it comes to them."""
MEDIA = {
    "ours": {status.value: status for status in Status if status is not Status.GONE},
    "upload_post": upload_post.WORDS,
    "xenonflare": xenonflare.STATUSES,
    "schedpilot videos": schedpilot.STATUSES,
    "schedpilot posts": schedpilot_posts.STATUSES,
    ENCODING_COM: {word: encoding_com_formats.STATUSES[encoding_com_formats.spelled(word)] for word in TEN},
}
FORMATS = {
    "ours": {status.value: status for status in TargetStatus},
    "upload_post": upload_post_rows.WORDS,
    "xenonflare": xenonflare.PARTS,
    "schedpilot posts": schedpilot_posts.SHARES,
    ENCODING_COM: {word: encoding_com_formats.PARTS[meant] for word, meant in MEDIA[ENCODING_COM].items()},
}


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of Markdown."""
    lines = [list(head), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def words(meanings: Mapping[str, StrEnum]) -> str:
    """Their words and ours, in the order of ours."""
    order = list(type(next(iter(meanings.values()))))
    pairs = sorted(meanings.items(), key=lambda pair: order.index(pair[1]))
    grouped = groupby(pairs, key=lambda pair: pair[1])
    return table(
        ("theirs", "ours"), ((", ".join(f"`{theirs}`" for theirs, _ in group), f"`{ours}`") for ours, group in grouped)
    )


def per_provider(rows: Mapping[str, Iterable[str]]) -> str:
    """A column for each provider."""
    return table(["", *(f"`{name}`" for name in WHOLE)], ([name, *cells] for name, cells in rows.items()))


# --- what can be asked


def asking() -> str:
    """The kinds of look that each provider has."""
    kinds = {
        "GET: one upload by its id": ["yes" if one.single else "–" for one in WHOLE.values()],
        "BATCH: several by their ids": [f"{one.batch} ids at first" if one.batch else "–" for one in WHOLE.values()],
        "LIST: pages of all there are": [listed(one, LookKind.LIST) for one in WHOLE.values()],
        "FEED: what has settled, the latest first": [listed(one, LookKind.FEED) for one in WHOLE.values()],
        "SCHEDULE: what is to come": [listed(one, LookKind.SCHEDULE) for one in WHOLE.values()],
    }
    return per_provider(kinds)


def listed(provider: Provider, kind: LookKind) -> str:
    """The collections that it can be asked for in this way."""
    return ", ".join(spelled(one) for one in provider.listings if one.kind is kind) or "–"


def spelled(listing: Listing) -> str:
    """A collection, or the part of it."""
    return f"{listing.collection} ({listing.word})" if listing.word else listing.collection


# --- how often


def limits() -> str:
    """What may go, before an answer tells more."""
    return per_provider(
        {
            "`base_url`": [one.base_url.removeprefix("https://") or "–" for one in WHOLE.values()],
            "its limit, before headers tell another": [limit(one) for one in WHOLE.values()],
            "`budget`, unless the config has another": [rate(one.budget) for one in WHOLE.values()],
        }
    )


def limit(provider: Provider) -> str:
    """The documented one."""
    if not provider.limit.count:
        return "unknown"
    return rate(provider.limit) + (", by the clock hour" if provider.hourly else "")


def rate(one: Rate) -> str:
    """`60/min`."""
    return f"{one.count:g}/{span(one.seconds).removeprefix('1 ')}"


def cadences() -> dict[str, list[str]]:
    """How long nobody looks, at most, before the budget says no."""
    providers = list(WHOLE.values())
    audits = [f"after {span(one.pace.audit)}" if one.single or one.batch else "–" for one in providers]
    denials = [f"{one.cadence.grace_looks} times" for one in providers]
    graces = [f" over {span(one.cadence.grace)}" if one.cadence.grace else "" for one in providers]
    return {
        "presumed to take, before any was seen (median)": [span(one.usual[0]) for one in providers],
        "while it may settle it is seen every": [steps(one.pace.caps) for one in providers],
        "and by a look of its own, at the soonest": audits,
        "lists, while something is open / else": [rests(one) for one in providers],
        "a list is read to its end every": [ends(one) for one in providers],
        "once settled, where it may move": [steps(one.cadence.settled) or "–" for one in providers],
        "it is stuck without a change for": [span(one.cadence.stuck_after) for one in providers],
        "and then looked at every": [steps(one.cadence.stuck) for one in providers],
        "it is gone once denied": [
            denial + grace if one.cadence.grace_looks else "–"
            for one, denial, grace in zip(providers, denials, graces, strict=True)
        ],
    }


def rhythms() -> str:
    """Those in which the providers differ."""
    return per_provider({name: cells for name, cells in cadences().items() if len(set(cells)) > 1})


def everywhere() -> str:
    """Those that are the same at all of them."""
    return table(("", "everywhere"), ([name, cells[0]] for name, cells in cadences().items() if len(set(cells)) == 1))


def steps(rhythm: Steps) -> str:
    """`10 s until 10 min, 30 s until 1 h, then 5 min`; `never` after the last where that has an end."""
    told = [f"{span(every)} until {span(age)}" for age, every in rhythm if age < inf]
    last = [span(every) for age, every in rhythm if age == inf]
    return ", ".join(told) + (f"{', then ' if told else ''}{last[0]}" if last else "")


def rests(provider: Provider) -> str:
    """How often each collection is read."""
    told = [(spelled(one), f"{span(one.active)} / {span(one.idle)}") for one in provider.listings]
    same = {pace for _, pace in told}
    return same.pop() if len(same) == 1 else "; ".join(f"{name} {pace}" for name, pace in told)


def ends(provider: Provider) -> str:
    """How often a list is read to its end, whatever its pages hold."""
    every = {one.through for one in provider.listings if one.through < inf}
    return ", ".join(map(span, sorted(every))) or "–"


def span(seconds: float) -> str:
    """In the largest unit of which it is a whole number."""
    whole = ((name, unit) for name, unit in UNITS if seconds >= unit and seconds % unit == 0)
    name, unit = next(whole, UNITS[-1])
    return f"{seconds / unit:g} {name}"


# --- what Encoding.com would have called it


def media(word: str, status: Status, provider: str) -> str:
    """The word for an upload of which its provider says this."""
    return medium(Upload(1, "s", "", "u", 0.0), Observation("", "u", status, word), provider).status


def formats(word: str, status: TargetStatus, provider: str) -> str:
    """The word for a target of which its provider says this, of an upload that is under way."""
    seen = Observation("", "u", Status.PROCESSING, "", targets=(Target("t", status, word),))
    return medium(Upload(1, "s", "", "u", 0.0), seen, provider).formats[0].status


def called(theirs: Mapping[str, Mapping[str, Any]], word_for: Callable[[str, Any, str], str]) -> str:
    """A row for each of the ten, a column for us and for each provider: what is told so."""
    told = {
        name: [(word_for(word, status, name), word) for word, status in words.items()] for name, words in theirs.items()
    }
    rows = [[", ".join(f"`{word}`" for one, word in told[name] if one == ten) or "–" for name in theirs] for ten in TEN]
    return table(["", *theirs], ([f"`{ten}`", *cells] for ten, cells in zip(TEN, rows, strict=True)))


# --- what can be scraped


def families() -> list[Metric]:
    """Every metric of a registry in which the daemon, a source and an endpoint have all that they can have."""
    tally = Tally(refused={"private": 1})
    shown = Shown(0.0, WELL, is_unsigned=False, in_flight=0, superseded=0, dropped=0, tally=tally)
    sources = {"posts": SourceShown(False, Looks(), dict.fromkeys(FOLLOWED, 0), 1.0)}
    vitals = Vitals(passes={"poller": 0.0, "sender": 0.0}, process=dict.fromkeys(MEASURES, 0.0))
    figures = Figures(0, 0, [Queue("app", 0, 0, None)])
    return list(registry(Reading(0.0, figures, Spread(COMMITS), vitals, {"app": shown}, sources)).collect())


def metrics() -> str:
    """What each of them is."""
    return table(
        ("name", "type", "labels", "what it is"),
        ((f"`{name(one)}`", one.type, ", ".join(labels(one)) or "–", one.documentation) for one in families()),
    )


def name(family: Metric) -> str:
    """As it stands in an answer; a histogram's is the beginning of several."""
    return f"{family.name}_total" if family.type == "counter" else family.name


def labels(family: Metric) -> list[str]:
    """The labels of its samples, that of a histogram's buckets left out."""
    return [f"`{label}`" for label in family.samples[0].labels if label != "le"]


def changes_to_the_core() -> str:
    """How many small changes tests/mutants.py makes to each module, and of how many the list speaks."""
    listed = tomllib.loads((ROOT / "tests" / "mutants.toml").read_text())
    made = {path.stem: list(changes(path.read_text())) for path in sorted((ROOT / "notifier" / "core").glob("*.py"))}
    counts = {
        name: (len(found), sum(one.key in listed.get(name, ()) for one in found))
        for name, found in made.items()
        if found
    }
    rows = [(name, *map(str, both)) for name, both in counts.items()]
    half = (len(rows) + 1) // 2
    right = [*rows[half:], ("", "", "")][:half]
    of_all, of_listed = (sum(column) for column in zip(*counts.values(), strict=True))
    told = f"In these {len(rows)} modules there are {of_all:,} changes; the list speaks of {of_listed}.\n"
    halves = zip(rows[:half], right, strict=True)
    return table(("module", "changes", "listed") * 2, ((*one, *other) for one, other in halves)) + "\n" + told


TABLES = {
    "changes to the core": changes_to_the_core(),
    "asking": asking(),
    "limits": limits(),
    "rhythms": rhythms(),
    "everywhere": everywhere(),
    "upload_post uploads": words(upload_post.WORDS),
    "upload_post targets": words(upload_post_rows.WORDS),
    "xenonflare uploads": words(xenonflare.STATUSES),
    "xenonflare targets": words(xenonflare.PARTS),
    "schedpilot videos": words(schedpilot.STATUSES),
    "schedpilot posts": words(schedpilot_posts.STATUSES),
    "schedpilot accounts": words(schedpilot_posts.PARTS),
    "schedpilot rows": words(schedpilot_posts.SHARES),
    "encoding_com uploads": words(encoding_com_formats.STATUSES),
    "encoding_com targets": words(ENCODING_PARTS),
    "called uploads": called(MEDIA, media),
    "called targets": called(FORMATS, formats),
    "metrics": metrics(),
    "commands": commands.sections(),
    "exit statuses": table(("status", "what it means"), commands.ends()),
    "config forms": table(("form", "what it is"), keys.forms()),
    **{f"config {where or 'top'}": table(keys.heads(where), keys.rows(where)) for where in keys.TABLES},
    "event bodies": telling.sections(),
    **{f"members of {one}": table(("member", "what it is"), telling.rows(one)) for one in telling.webhooks.BY_SUBJECT},
    **{
        f"file {path}": f"```{written}\n{(ROOT / path).read_text()}```\n"
        for path, written in {**RECEIVERS, OWN: "python"}.items()
    },
    "log lines": table(("line", "level", "fields", "what it tells"), lines.rows()),
    "log fields": table(("field", "in the journal", "what it is"), lines.fields()),
    "log ids": table(("line", "`MESSAGE_ID`"), lines.ids()),
}


def filled(text: str) -> str:
    """The document with its tables as they are now."""
    return TABLE.sub(lambda found: f"{found[1]}\n{TABLES[found[2]]}\n{found[3]}", text)


if __name__ == "__main__":
    for document in DOCUMENTS:
        document.write_text(filled(document.read_text()))
    describing.DOCUMENT.write_text(describing.described())
    describing.SCHEMA.write_text(describing.schema_of_the_config())
    catalog.CATALOG.write_text(catalog.made())
