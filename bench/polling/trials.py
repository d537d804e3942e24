"""The experiments: which form of provider, at which operating point, in which weather, on which sources."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.polling.server import Form, Server
from bench.polling.weather import CALM, ROUGH, Weather
from bench.polling.world import SIZES, Time
from notifier.core.model import LookKind, Rate, Source
from notifier.core.rhythm import Cadence, Listing
from notifier.core.secret import Secret
from notifier.providers.base import Provider

NAME = "bench"
HOUR = Time(600, 3600)
DAY = 86400.0
DIES = 3600.0
"""Seconds after which what is stuck is called failed: who has the feed documents that, the others do not."""
FREELY = Rate(60_000, 60)
"""A budget that never holds anything up."""
PER_MINUTE, PER_HOUR = Rate(60, 60), Rate(60, 3600)

FEED = Form(listing=LookKind.FEED)
LIST = Form(single=False, listing=LookKind.LIST)
ONE_PAGE = replace(LIST, rows=100_000)
"""A list short enough for one page, as ordinary accounts have it."""
LIST_GET = Form(listing=LookKind.LIST)


def batch(size: int) -> Form:
    """So many ids at once, and a list for discovery."""
    return Form(batch=size, single=False, listing=LookKind.LIST)


@dataclass(frozen=True, slots=True)
class Point:
    """An operating point: what of the provider's own pace is replaced; None: as it comes.

    The `cap` is that of an upload younger than ten minutes, `late` that of one younger than an hour; both in seconds.
    """

    name: str
    price: float | None = None
    floor: float | None = None
    cap: float | None = None
    late: float = 0.0


RIVALLED = ("free", "rough")
"""The groups in which others are reckoned too."""
AS_NAIVE = Point("cap 4.9 s", price=math.inf, floor=2.0, cap=4.9, late=60.0)
AS_VENDOR = Point("cap 13.8 s", price=math.inf, floor=2.0, cap=13.8, late=42.0)
DEFAULTS = Point("defaults")
PRICE_ALONE = Point("price alone", price=5.0, cap=3600.0, late=3600.0)
"""Where nothing but what is known of durations says when to look."""
SPARING = Point("as SchedPilot", price=12.0, cap=38.0, late=600.0)
"""As far as the requests of an hour go."""


@dataclass(frozen=True, slots=True)
class Trial:
    """An experiment on several sources, each alone with its provider. All of a group have the same worlds."""

    group: str
    name: str
    form: Form
    point: Point
    sizes: Sequence[float] = SIZES
    time: Time = HOUR
    weather: Weather = CALM
    budget: Rate = FREELY
    limit: Rate | None = None
    """The provider's, counted from the full minute or hour, UTC."""
    tells: bool = True
    """Whether the answers' headers say how much of the limit is left."""
    reserve: float = 0.25
    registered: bool = True
    """Whether uploads are known from birth on; else they have to be discovered."""
    lives: int = 0
    """How many lives of such uploads are known beforehand."""
    discovery: tuple[float, float] = (DAY, DAY)
    """Seconds between two readings of its list for their own sake: while something is open, and while nothing is."""
    looked_at_again: tuple[tuple[float, float], ...] = ()
    """The rhythm of settled uploads. None as a rule: one more look at each costs every policy the same."""


HOURLY = (0.1,) * 24 + (0.3,) * 16 + (1.0,) * 8 + (3.0,) * 4 + (10.0,) * 2
FEWER = (0.3,) * 8 + (1.0,) * 4 + (3.0,) * 2 + (10.0, 30.0)
AGAIN = ((360.0, 360.0), (7200.0, 3600.0))


def _free(name: str, form: Form, point: Point) -> Trial:
    return Trial("free", name, form, point)


def _minute(name: str, form: Form, budget: Rate, reserve: float) -> Trial:
    return Trial("minute", name, form, AS_NAIVE, (300.0,), budget=budget, limit=PER_MINUTE, reserve=reserve)


def _learned(name: str, lives: int) -> Trial:
    return Trial("learned", name, FEED, PRICE_ALONE, (1.0,) * 12 + (10.0,) * 3, lives=lives)


def _rough(name: str, form: Form) -> Trial:
    calm = Trial("rough", name, form, DEFAULTS, FEWER, budget=PER_MINUTE, limit=PER_MINUTE)
    return replace(calm, weather=ROUGH, discovery=(30, 300), looked_at_again=AGAIN)


TRIALS = (
    _free("FEED, 4.9 s", FEED, AS_NAIVE),
    _free("BATCH 200, 4.9 s", batch(200), AS_NAIVE),
    _free("BATCH 50, 4.9 s", batch(50), AS_NAIVE),
    _free("LIST, 4.9 s", LIST, replace(AS_NAIVE, cap=4.85, late=120.0)),  # each straggler is alone on a page of its own
    _free("FEED, 14 s", FEED, AS_VENDOR),
    _free("BATCH 200, 14 s", batch(200), AS_VENDOR),
    _free("BATCH 50, 14 s", batch(50), AS_VENDOR),
    _free("FEED, defaults", FEED, DEFAULTS),
    Trial(
        "hour",
        "LIST, one page",
        ONE_PAGE,
        SPARING,
        HOURLY,
        Time(7200, 6 * 3600),
        budget=PER_HOUR,
        limit=PER_HOUR,
        tells=False,
    ),
    Trial(
        "hour",
        "LIST, pages of 100",
        LIST,
        SPARING,
        HOURLY,
        Time(7200, 6 * 3600),
        budget=PER_HOUR,
        limit=PER_HOUR,
        tells=False,
    ),
    _minute("FEED, 4.9 s", FEED, Rate(15, 60), 0.25),
    _minute("BATCH 100, 4.9 s", batch(100), Rate(50, 60), 0.15),
    _learned("FEED, 200 lives known", 200),
    _learned("FEED, all known", 50_000),
    _rough("FEED", FEED),
    _rough("BATCH 50", batch(50)),
    _rough("LIST", LIST),
    replace(_rough("LIST and GET, discovered", LIST_GET), registered=False),
)


def quick(trial: Trial) -> Trial:
    """The same within seconds: no more than two small sources of each size, and minutes instead of hours."""
    few = [size for size in dict.fromkeys(trial.sizes) if size <= 30] or [100.0]
    time = Time(900, 3600) if trial.limit == PER_HOUR else Time(120, 600)
    weather = replace(trial.weather, outage=(200.0, 60.0)) if trial.weather.outage[1] else trial.weather
    return replace(trial, sizes=few, time=time, weather=weather)


def source(trial: Trial) -> Source:
    """As the config would describe it; registered uploads need no discovery."""
    return Source(
        name=NAME,
        provider=NAME,
        base_url="http://127.0.0.1",
        api_key=Secret("none"),
        budget=trial.budget,
        discover=not trial.registered,
        reserve=trial.reserve,
    )


def provider(trial: Trial, server: Server) -> Provider:
    """The description that the poller goes by."""
    form = trial.form
    listings = () if form.listing is None else (Listing(form.listing, "all", *trial.discovery),)
    unpaced = Provider(
        name=NAME,
        base_url="http://127.0.0.1",
        kinds=(),
        listings=listings,
        cadence=Cadence(settled=trial.looked_at_again, dies_after=DIES if form.listing is LookKind.FEED else math.inf),
        budget=trial.budget,
        limit=trial.limit or Rate(0, 60),
        connect=lambda _session, _source: server,
        batch=form.batch,
        single=form.single,
        hourly=trial.limit == PER_HOUR,
    )
    return paced(unpaced, trial.point)


def paced(unpaced: Provider, point: Point) -> Provider:
    """The provider at an operating point: the one place that knows how pace is set."""
    wanted = {name: getattr(point, name) for name in ("price", "floor") if getattr(point, name) is not None}
    if point.cap is not None:
        wanted["caps"] = ((600, point.cap), (3600, point.late), (math.inf, max(300.0, point.late)))
    return replace(unpaced, pace=replace(unpaced.pace, **wanted))
