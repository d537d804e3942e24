"""A client of Encoding.com's that others have written, `encodingcom` of 2015, polls our answers with its own poller."""

import asyncio

import pytest
from asking import announced
from encoding_asking import KEY, USER, encoding_world
from encodingcom.encoding import Encoding
from encodingcom.poller import Poller

from notifier.core.model import Status
from notifier.providers import PROVIDERS
from notifier.server.encoding.facade import Manner

S = Status


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_an_independent_client_polls_until_an_upload_has_finished(tmp_path, provider, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    async with encoding_world(tmp_path, {"posts": Manner(provider)}) as (w, remote, _):
        loop, lives, told = asyncio.get_running_loop(), iter((S.QUEUED, S.PROCESSING, S.COMPLETED)), []

        async def moves():
            await announced(w, "u1", status=next(lives))

        def heard(status, **_):
            told.append(status)
            if status not in Encoding.EXIT_STATUSES:
                asyncio.run_coroutine_threadsafe(moves(), loop).result()

        await moves()
        service = Encoding(USER, KEY)
        service.url = str(remote.session._base_url.with_path("/encoding"))
        response = await asyncio.to_thread(Poller.poll_status, service, "1", heard, interval=0)
        assert told[-1] == "Finished"
        assert len(told) == 3
        assert (response["id"], response["status"], response["progress"]) == ("1", "Finished", "100.0")
        if provider != "encoding_com":  # whose own words are told until the end
            assert told[:2] == ["Waiting for encoder", "Processing"]
