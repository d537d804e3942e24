"""How the database finds what it is asked for: the statements that run, and the steps that read whole tables."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from notifier.store import Store

VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE")


@asynccontextmanager
async def overheard(store: Store) -> AsyncIterator[set[str]]:
    """The statements that the store runs meanwhile."""
    asked: set[str] = set()
    connections = (store.database.reader, store.database._writer)
    for connection in connections:
        await connection.set_trace_callback(asked.add)
    try:
        yield asked
    finally:
        for connection in connections:
            await connection.set_trace_callback(None)


async def slow(store: Store, asked: set[str]) -> list[tuple[str, str]]:
    """The steps of these statements that read a whole table of ours."""
    found = []
    for statement in sorted(one for one in asked if one.startswith(VERBS)):
        rows = await store.database._writer.execute_fetchall(f"EXPLAIN QUERY PLAN {statement}")
        found += [(statement, row[3]) for row in rows if "SCAN" in row[3] and not is_quick(row[3])]
    return found


def is_quick(step: str) -> bool:
    """Whether it reads what was handed in, or an index that holds no more than what is asked for."""
    return "VIRTUAL TABLE" in step or step.startswith(("SCAN CONSTANT ROW", "SCAN r USING INDEX replays_unfinished"))
