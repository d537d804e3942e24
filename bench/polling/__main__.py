"""python -m bench.polling: how many requests it takes to hear of a change, and how late it is heard of."""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.polling import report
from bench.polling.trials import TRIALS, quick
from bench.polling.work import Task, tasks, work

MEMORY = Path("/dev/shm")  # noqa: S108  # thousands of databases that nobody needs afterwards


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="bench.polling", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sources, ten minutes: within seconds, but noisy")
    parser.add_argument("--only", default="", metavar="WORDS", help="trials whose name has these words in it")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    default = MEMORY if MEMORY.is_dir() else Path(tempfile.gettempdir())
    parser.add_argument("--folder", type=Path, default=default, help="where the databases lie")
    return parser.parse_args()


def main() -> None:
    asked = arguments()
    trials = [trial for trial in TRIALS if asked.only in f"{trial.group}: {trial.name}"]
    if asked.quick:
        trials = [quick(trial) for trial in trials]
    if not trials:
        sys.exit(f"no such trial: there are {'; '.join(f'{trial.group}: {trial.name}' for trial in TRIALS)}")
    began = time.monotonic()
    todo = tasks(trials)
    found = work(todo, asked.folder, asked.processes, _progress(len(todo), began))
    document = report.document(found, time.monotonic() - began)
    print(json.dumps(document) if asked.json else report.printed(document))


def _progress(of: int, began: float) -> Callable[[int, Task], None]:
    """A line that is written over again and again; nothing where nobody looks."""

    def tell(done: int, task: Task) -> None:
        took, trial = time.monotonic() - began, task.trial
        line = f"{done}/{of} sources, {took:.0f} s: {trial.group}: {trial.name}, {task.size:g} open"
        print(f"\r{line:79.79}" if done < of else f"\r{'':79}\r", end="", file=sys.stderr, flush=True)

    return tell if sys.stderr.isatty() else lambda _done, _task: None


if __name__ == "__main__":
    main()
