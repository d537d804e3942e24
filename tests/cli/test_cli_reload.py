"""`notifier reload`, beside a daemon that cannot; for the rest see tests/test_app.py."""

import threading
from types import SimpleNamespace

from asking import telling
from world import Clock

from notifier.reloads import Reloads
from notifier.systemd import Notify


async def test_a_config_that_is_not_read_in_time_is_told_and_nothing_changes(asks, tmp_path):
    let_go = threading.Event()
    stuck = Reloads(SimpleNamespace(settings=None), lambda _: let_go.wait(), None, Notify({}), Clock(), longest=0.01)
    async with telling(tmp_path, reloads=stuck) as (_, caller, _):
        code, out, err = await asks("reload")
        said = await caller.ask("POST", "/v1/reload", json={})
        let_go.set()
    assert (code, out) == (1, "")
    assert "the config was not read and made ready within 0.01 s; the old one stays" in err
    assert said.status == 504
