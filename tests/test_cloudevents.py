"""CloudEvents, from the real daemon to a receiver that reads them with the SDK of the CloudEvents project."""

import time

from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from daemons import KEY, SECRETS, Hooks, config

from notifier.demo.daemon import Daemon
from notifier.demo.xenonflare import FakeXenonFlare, Media


def asking_for_cloudevents(text, name):
    """The config, this endpoint asking for them."""
    return text.replace(f'name = "{name}"\n', f'name = "{name}"\nformat = "cloudevents"\n')


async def test_one_change_is_told_to_each_endpoint_in_its_own_format_with_the_same_data(tmp_path):
    async with (
        FakeXenonFlare([Media("one", title="a film 🎬")], time.time, key=KEY) as media,
        Hooks() as plain,
        Hooks() as cloud,
    ):
        text = asking_for_cloudevents(config(media.base_url, {"app": plain.url, "cloud": cloud.url}), "cloud")
        async with Daemon(tmp_path, text, SECRETS):
            await plain.got(1)
            await cloud.got(1)
    [standard] = plain.events
    event = from_http_event(HTTPMessage(headers=cloud.headers, body=cloud.bodies[0]))
    assert plain.headers["Content-Type"] == "application/json"
    assert cloud.headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    assert cloud.headers["webhook-id"] == plain.headers["webhook-id"] == event.get_id()
    assert event.get_data() == standard["data"]
    assert event.get_data()["upload"]["title"] == "a film 🎬"
    assert (event.get_source(), event.get_subject(), event.get_type()) == ("/sources/media", "one", standard["type"])
    assert event.get_time().isoformat(timespec="milliseconds") == standard["timestamp"].replace("Z", "+00:00")
    assert event.get_extension("sequence") == "0000000001"
    assert (event.get_specversion(), event.get_datacontenttype()) == ("1.0", "application/json")
    assert not [name for name in cloud.headers if name.lower().startswith("ce-")]
