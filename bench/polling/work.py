"""Tasks → results: every source by itself, on all processors."""

import asyncio
import gc
import logging
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from bench.polling import metrics, yardsticks
from bench.polling.drive import drive
from bench.polling.metrics import Figures, Result
from bench.polling.trials import RIVALLED, Trial
from bench.polling.weather import CALM
from bench.polling.world import Time, World, draw
from notifier import serving

SEED = 7000
SPANS = ((300.0, 1 / 3, 9), (1.0, 1, 3), (0.0, 3, 1))
"""From so many open uploads on: for how many times the time that is counted a source is lived through, and how often
each figure of it then counts. In the time itself a small one settles too little for a 99th percentile."""
NAIVE, VENDOR, GROUP = "GET every 5 s", "the vendor's schedule", "one look at all every 5 s"
ORACLES = {4.9: "clairvoyant, 4.9 s", 14.0: "clairvoyant, 14 s"}
"""By the longest delay allowed, in seconds."""


@dataclass(frozen=True, slots=True)
class Task:
    """A source of a trial, by its place among the sizes; `others`: what others would do there, and nothing else."""

    trial: Trial
    place: int
    others: bool = False

    @property
    def size(self) -> float:
        """Uploads open on average."""
        return self.trial.sizes[self.place]

    @property
    def span(self) -> float:
        """For how many times the time that is counted the source is lived through."""
        return next(span for size, span, _ in SPANS if self.size >= size)

    @property
    def stands_for(self) -> int:
        """How many times each of its figures counts, so that all sources count for the same time."""
        return next(times for size, _, times in SPANS if self.size >= size)

    def world(self) -> World:
        """The same for all trials whose sources have the same place, size, time and weather."""
        time = self.trial.time
        counted = Time(time.warm_up, time.counted * self.span)
        return draw(self.size, SEED + self.place, counted, self.trial.weather.deleted)


Key = tuple[str, str]
"""A group, and a policy in it."""


def tasks(trials: Sequence[Trial]) -> list[Task]:
    """The longest first; of each group's worlds also what others would do there."""
    groups = {trial.group: trial for trial in reversed(trials) if trial.group in RIVALLED}
    ours = [Task(trial, place) for trial in trials for place in range(len(trial.sizes))]
    theirs = [Task(trial, place, others=True) for trial in groups.values() for place in range(len(trial.sizes))]
    return sorted(
        ours + theirs, key=lambda task: -task.size * (task.trial.time.warm_up + task.span * task.trial.time.counted)
    )


def do(task: Task, folder: Path) -> list[tuple[Key, Figures]]:
    """The figures of a source."""
    gc.set_threshold(serving.YOUNG)  # as the daemon does
    logging.disable()  # that a source is failing is the weather's doing
    world, seed = task.world(), SEED + task.place
    if task.others:
        return others(task, world)
    run = asyncio.run(drive(task.trial, world, seed, folder))
    return [((task.trial.group, task.trial.name), metrics.judged(run).times(task.stands_for))]


def others(task: Task, world: World) -> list[tuple[Key, Figures]]:
    """What the yardsticks come to in a world; where it storms nobody sends at leisure or knows when things will end."""
    chance, weather = random.Random(SEED), task.trial.weather  # noqa: S311  # the same every time
    found = {
        NAIVE: yardsticks.singles(world, yardsticks.naive, weather, chance),
        VENDOR: yardsticks.singles(world, yardsticks.vendor, weather, chance),
    }
    if weather == CALM:
        settled = [life.settled for life in world.settlings()]
        found[GROUP] = yardsticks.group(world, 5.0)
        found.update({name: yardsticks.oracle(settled, longest) for longest, name in ORACLES.items()})
    return [
        ((task.trial.group, name), metrics.reckoned(world, policy).times(task.stands_for))
        for name, policy in found.items()
    ]


def work(
    todo: Sequence[Task], folder: Path, processes: int, progress: Callable[[int, Task], None]
) -> dict[Key, Result]:
    """Do all of it; `progress` is told how many are done, and the last."""
    results: dict[Key, Result] = {}
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        running = {pool.submit(do, task, folder): task for task in todo}
        for done, future in enumerate(as_completed(running), 1):
            task = running[future]
            for key, figures in future.result():
                results.setdefault(key, Result()).sizes[task.size].add(figures)
            progress(done, task)
    return results
