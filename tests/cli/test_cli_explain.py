"""`notifier explain`, beside a daemon."""

import json

from asking import announced, telling
from world import endpoint

from notifier.core.callbacks import NOBODY
from notifier.core.model import Status


async def test_it_tells_who_gets_it_what_is_sent_and_why_others_get_nothing(asks, tmp_path):
    some = (
        endpoint("app"),
        endpoint("crm", events=("upload.failed",)),
        endpoint("old", format="encoding_com"),
        endpoint("web"),
    )
    async with telling(tmp_path, *some) as (w, _, _):
        await announced(w, "u1", status=Status.COMPLETED)
        event = w.receivers.events("app")[0]
        code, out, err = await asks("explain", "posts", "u1")
        assert (code, err) == (0, "")
        assert out.startswith(f"{event['id']}: upload.completed of u1 at posts, ")
        assert (
            "\napp gets it; it was owed, and is delivered\n  POST http://127.0.0.1/\n  content-type: application/json\n"
            in out
        )
        assert f"\n  webhook-id: {event['id']}\n" in out
        assert f'\n    "id": "{event["id"]}",\n' in out
        assert "\ncrm does not get it: the endpoint's `events` let it pass no more\n" in out
        assert "\n  xml=%3C%3Fxml" in out
        assert out.endswith("\n\n  the same body as app\n")
        assert out.count("media_id") == 1
        document = json.loads((await asks("explain", "posts", "u1", "--event", event["id"], "--json"))[1])
        assert [one["endpoint"] for one in document["endpoints"]] == ["app", "crm", "old", "web"]
        assert (await asks("explain", "posts", "u2"))[0] == 1


async def test_where_there_are_no_endpoints_it_says_so(asks, tmp_path):
    async with telling(tmp_path, endpoint("app")) as (w, _, _):
        await announced(w, "u1", status=Status.COMPLETED)
        w.sender.adopt((), NOBODY, 200, {})
        code, _, err = await asks("explain", "posts", "u1")
        assert (code, err) == (0, "the config has no endpoints\n")
