"""What is made of the settings before anything runs: whose budget a request is taken from, who is sent to, how fast."""

import socket
from dataclasses import replace

import pytest
from receiving import endpoint as at
from world import endpoint, world

from notifier.core.model import Outcome, Source
from notifier.core.secret import Secret
from notifier.providers import PROVIDERS
from notifier.providers.http import open_session
from notifier.webhook import Receivers
from notifier.wiring import _left_behind, accounts, status, watched

ONE = Source(
    name="one",
    provider="encoding_com",
    base_url="http://127.0.0.1",
    user_id="85296",
    api_key=Secret("a-key"),
    budget=PROVIDERS["encoding_com"].budget,
)
TWO = replace(ONE, name="two")


async def test_the_status_line_names_the_endpoints_that_are_not_well(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("app"), endpoint("crm"))) as w:
        assert await status(w.store, w.sender) == "0 uploads followed, 0 deliveries waiting"
        await w.sender.pause("crm")
        assert await status(w.store, w.sender) == "0 uploads followed, 0 deliveries waiting, crm paused"


@pytest.mark.parametrize(
    ("waiting", "replays", "owed", "ends"),
    [
        (2, [], "2 deliveries waiting for it", "notifier drop --endpoint crm"),
        (0, [3], "replay 3 to it is not done, and goes on if it comes back", "notifier replay --cancel 3"),
        (
            1,
            [3, 4],
            "1 delivery waiting for it; "
            + "; ".join(f"replay {id_} to it is not done, and goes on if it comes back" for id_ in (3, 4)),
            "notifier drop --endpoint crm",
        ),
    ],
)
def test_of_an_endpoint_that_left_it_is_told_what_waits_and_what_a_replay_would_owe(waiting, replays, owed, ends):
    told = _left_behind("crm", waiting, replays)
    assert told.startswith(f"endpoint crm is no longer in the config: {owed}. Put it back")
    assert told.endswith(f": {ends}")


def test_sources_of_one_credential_have_one_account_that_bears_the_name_of_the_first():
    assert accounts([ONE, TWO, replace(ONE, name="three")]) == {"one": "one", "two": "one", "three": "one"}


@pytest.mark.parametrize(
    "other",
    [
        {"provider": "xenonflare"},
        {"base_url": "http://127.0.0.2"},
        {"user_id": "85297"},
        {"api_key": Secret("another-key")},
    ],
)
def test_sources_that_differ_in_any_part_of_their_credential_have_an_account_each(other):
    assert accounts([ONE, replace(TWO, **other)]) == {"one": "one", "two": "two"}


def test_an_account_tells_nothing_of_its_key():
    assert "a-key" not in repr(accounts([ONE, TWO]))


async def test_where_the_daemon_itself_listens_nothing_is_sent_to():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        place = nobody.getsockname()
        for own_port, outcome in ((place[1], Outcome.REFUSED_ADDRESS), (None, Outcome.CONNECT)):
            receivers = Receivers(own_port)
            receivers.use(receivers.clients([at(place[1])]))
            found = await receivers.post(at(place[1]), "evt_1", b"{}")
            await receivers.close()
            assert found.outcome is outcome


@pytest.mark.parametrize("provider", ["encoding_com", "schedpilot", "upload_post", "xenonflare"])
async def test_a_demonstration_is_as_many_times_faster_in_every_respect(provider):
    source = replace(ONE, provider=provider, budget=PROVIDERS[provider].budget)
    async with open_session() as session:
        usual, quick = (watched(source, session, pace, "an account") for pace in (1.0, 10.0))
    assert (usual.account, quick.account) == ("an account", "an account")
    for slow, fast in zip(usual.ways.listings, quick.ways.listings, strict=True):
        assert (fast.active, fast.idle, fast.through) == pytest.approx(
            (slow.active / 10, slow.idle / 10, slow.through / 10)
        )
    assert quick.provider.pace.floor == usual.provider.pace.floor / 10
    assert quick.rules.cadence.stuck_after == usual.rules.cadence.stuck_after / 10
