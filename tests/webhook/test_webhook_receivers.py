"""The clients of callbacks: made when they are needed, kept for a while, never too many."""

import asyncio
from dataclasses import replace

from receiving import answer, endpoint, serving

from notifier.core.model import Outcome
from notifier.webhook import Receivers
from notifier.webhook.receivers import KEPT


async def test_a_callback_has_a_client_while_it_is_used_and_few_are_kept():
    async with serving(answer(b"HTTP/1.1 204 No Content\r\n\r\n")) as server:
        app = endpoint(server.port)
        receivers = Receivers()
        receivers.use(receivers.clients([app]))
        callbacks = [replace(app, name=f"notify:{n}") for n in range(1, KEPT + 6)]
        posts = [receivers.post(one, "evt_1", b"{}") for one in [app, callbacks[0], *callbacks]]
        attempts = await asyncio.gather(*posts)
        assert {one.outcome for one in attempts} == {Outcome.DELIVERED}
        assert len(receivers._passing) == KEPT
        await receivers.post(callbacks[0], "evt_2", b"{}")
        assert len(receivers._passing) == KEPT
        assert next(reversed(receivers._passing)) == "notify:1"
        await receivers.close()
