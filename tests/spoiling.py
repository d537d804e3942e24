"""a story × a good answer of its provider → what may come in its place."""

import json

from aiohttp import web

MOST_DENIALS = 2
"""Of one upload: three, far enough from one another, are believed."""
TROUBLE = {"success": False, "code": 500, "error": "no", "message": "no"}
BOMB = "<!DOCTYPE a [<!ENTITY b 'ha'><!ENTITY c '&b;&b;'><!ENTITY d '&c;&c;'>]><a>&d;</a>"


def changed(change):
    """See `upstreams.Json.changed`."""

    async def spoiled(story, _request, response):
        body = story.api.changed(response.body, change)
        return web.Response(body=body, content_type=response.content_type, status=response.status)

    return spoiled


async def rotten_rows(story, request, response):
    return await changed(lambda rows: [*story.api.rotten, *rows])(story, request, response)


def instead(**more):
    async def spoiled(*_):
        return web.Response(**more)

    return spoiled


async def padded(_story, _request, response):
    return web.Response(body=response.body + b" " * (10 << 20), content_type=response.content_type)


async def just_in_bounds(_story, _request, response):
    return web.Response(body=response.body + b" " * (9 << 20), content_type=response.content_type)


async def wrong_charset(_story, _request, response):
    return web.Response(body=response.body, headers={"Content-Type": f"{response.content_type}; charset=utf-16"})


async def no_charset(_story, _request, response):
    return web.Response(body=response.text.encode("utf-16"), headers={"Content-Type": response.content_type})


async def elsewhere(story, request, _response):
    return web.Response(status=302, headers={"Location": f"{story.elsewhere.origin}{request.path_qs}"})


async def denied(story, request, response):
    asked, denial = story.api.denial(request) or ("", response)
    id_ = story.api.own(asked) if asked else ""
    if id_ not in story.lives or story.denials.setdefault(id_, 0) >= MOST_DENIALS:
        return response
    story.denials[id_] += 1
    return denial


async def halved(_story, _request, response):
    body = response.body
    return web.Response(body=body[: len(body) // 2], content_type=response.content_type)


async def cut(_story, request, _response):
    request.transport.abort()
    return web.Response()


async def told_by_its_reset(story, _request, _response):
    until = {
        "X-RateLimit-Limit": "60",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": f"{story.clock.now + 40:.0f}",
    }
    return web.json_response({"success": False, "message": "Too many requests"}, status=429, headers=until)


def lying(by):
    """About its length, which is what it says it is and `by` more, or less."""

    async def spoiled(_story, request, response):
        length = max(1, len(response.body) + by)
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {response.content_type}\r\nContent-Length: {length}\r\n\r\n"
        request.transport.write(head.encode() + response.body)
        request.transport.close()
        return web.Response()

    return spoiled


SPOILERS = {
    "reversed": changed(lambda rows: rows[::-1]),
    "twice": changed(lambda rows: [row for row in rows for _ in range(2)]),
    "empty": changed(lambda _: []),
    "one is missing": changed(lambda rows: rows[1:]),
    "rotten rows": rotten_rows,
    "an error": instead(status=503, text="no"),
    "a limit": instead(status=429, headers={"Retry-After": "30"}),
    "a limit until its reset": told_by_its_reset,
    "a limit without a word": instead(status=429),
    "an error of theirs as ours": instead(status=400, text="{}"),
    "an error of ours": instead(status=400, text='{"error": "Invalid limit"}', content_type="application/json"),
    "an error as if all were well": instead(text=json.dumps(TROUBLE), content_type="application/json"),
    "not found": instead(status=404, text="<html>404</html>", content_type="text/html"),
    "refused": instead(status=401, text="{}"),
    "an account is refused": instead(status=401, text='{"code": "x_reauth_required"}', content_type="application/json"),
    "a page": instead(text="<html>sorry</html>", content_type="text/html"),
    "nothing": instead(text=""),
    "another document": instead(text='{"data": {}}', content_type="application/json"),
    "deep": instead(text="[" * 200_000, content_type="application/json"),
    "a bomb": instead(text=BOMB, content_type="application/json"),
    "no letters": instead(body=bytes(range(256)), content_type="application/json"),
    "not what it is packed as": instead(body=b"{}", headers={"Content-Encoding": "gzip"}),
    "too long": padded,
    "long": just_in_bounds,
    "another charset": wrong_charset,
    "a charset that is not told": no_charset,
    "elsewhere": elsewhere,
    "denied": denied,
    "cut": cut,
    "half of it": halved,
    "more is promised": lying(50),
    "less is promised": lying(-20),
}

HIDING = {"empty", "one is missing"}
"""Good answers as far as anybody can see, which keep back what is there."""
