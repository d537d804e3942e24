"""a story × a good answer of its provider → what may come in its place."""

import codecs
import json

from aiohttp import web
from bombs import BOMBS
from shapes_told import MOST_SHAPES

MOST_DENIALS = 2
"""Of one upload: three, far enough from one another, are believed."""
TROUBLE = {"success": False, "code": 500, "error": "no", "message": "no"}
DEEP, DIGITS = 100_000, "9" * 10_000


def changed(change):
    """See `upstreams.Json.changed`."""

    async def spoiled(story, _request, response):
        body = story.api.changed(response.body, change)
        return web.Response(body=body, content_type=response.content_type, status=response.status)

    return spoiled


def shaped(which):
    """See `upstreams.Json.shaped`."""

    async def spoiled(story, _request, response):
        if response.status != web.HTTPOk.status_code:
            return response
        return web.Response(body=story.api.shaped(response.body, which), content_type=response.content_type)

    return spoiled


async def rotten_rows(story, request, response):
    return await changed(lambda rows: [*story.api.rotten, *rows])(story, request, response)


def instead(**more):
    async def spoiled(*_):
        return web.Response(**more)

    return spoiled


def said(words, content_type="application/json", **more):
    return instead(text=words, content_type=content_type, **more)


def limited(status=429, **headers):
    """A rate-limit answer in one of the dialects; `{}` is the moment, so many seconds from now."""

    async def spoiled(story, *_):
        told = {name.replace("_", "-"): text.format(int(story.clock.now) + 40) for name, text in headers.items()}
        return web.json_response({"success": False, "message": "Too many requests"}, status=status, headers=told)

    return spoiled


# --- of what is in it


def with_more(as_json, as_xml=""):
    """A member more in each row, or in what is told of one, which nobody documented."""

    async def spoiled(story, _request, response):
        body = story.api.with_more(response.body, as_json, as_xml)
        return web.Response(body=body, content_type=response.content_type, status=response.status)

    return spoiled


def blown_up(name):
    """A good answer, for whoever believes in document types; where JSON is spoken, a document of its own."""

    async def spoiled(story, _request, response):
        root, _, rest = response.body.decode().partition("<response>")[2].rpartition("</response>")
        doctype, inside = BOMBS[name](story.stranger)
        text = f"{doctype}<response>{root or rest}<more>{inside}</more></response>"
        return web.Response(text=text, content_type=response.content_type)

    return spoiled


def padded(by):
    async def spoiled(_story, _request, response):
        return web.Response(body=response.body + b" " * by, content_type=response.content_type)

    return spoiled


# --- of how it is written


def called(charset):
    """Bytes of UTF-8 that are said to be others."""

    async def spoiled(_story, _request, response):
        kind = f"{response.content_type}; charset={charset}"
        return web.Response(body=response.body, headers={"Content-Type": kind})

    return spoiled


def written_in(charset, mark=b"", declared=None):
    """Other bytes, of which the headers say nothing; XML says itself what they are, be it what is `declared`."""

    async def spoiled(story, _request, response):
        text = story.api.declared(response.body.decode(), declared or charset)
        return web.Response(body=mark + text.encode(charset), headers={"Content-Type": response.content_type})

    return spoiled


# --- of how it is sent


def elsewhere(status, to):
    async def spoiled(story, request, _response):
        origin = to.format(story.stranger, story.stranger.rpartition(":")[2])
        return web.Response(status=status, headers={"Location": f"{origin}{request.path_qs}"})

    return spoiled


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


def lying(*lengths, chunk=None):
    """About its length, of which each of `lengths` is said, "{}" being the true one; or about that of its one chunk."""

    async def spoiled(_story, request, response):
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {response.content_type}\r\n"
        head += "".join(f"Content-Length: {length(len(response.body))}\r\n" for length in lengths)
        body = response.body
        if chunk is not None:
            head += "Transfer-Encoding: chunked\r\n"
            body = f"{chunk(len(body)):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
        request.transport.write(f"{head}\r\n".encode() + body)
        request.transport.close()
        return web.Response()

    return spoiled


SPOILERS = {
    "reversed": changed(lambda rows: rows[::-1]),
    "twice": changed(lambda rows: [row for row in rows for _ in range(2)]),
    "empty": changed(lambda _: []),
    "one is missing": changed(lambda rows: rows[1:]),
    "rotten rows": rotten_rows,
    **{f"in other words, {which + 1}": shaped(which) for which in range(MOST_SHAPES)},
    "an error": instead(status=503, text="no"),
    "a limit": limited(Retry_After="30"),
    "a limit until its reset": limited(X_RateLimit_Limit="60", X_RateLimit_Remaining="0", X_RateLimit_Reset="{}"),
    "a limit until its reset in milliseconds": limited(X_Rate_Limit_Remaining="0", X_Rate_Limit_Reset="{}000"),
    "a limit by a draft": limited(RateLimit="limit=60, remaining=0, reset=40"),
    "a limit by another draft": limited(RateLimit='"all";r=0;t=40', RateLimit_Policy='"all";q=60;w=60'),
    "a limit until a date that is over": limited(Retry_After="Thu, 01 Jan 1970 00:00:00 GMT"),
    "a limit of no sense": limited(Retry_After="-1e9", X_RateLimit_Reset="NaN", RateLimit='";;'),
    "a limit without a word": limited(),
    "a limit as Encoding.com has it": instead(status=421, text="Request Rate over limit"),
    "an error of theirs as ours": instead(status=400, text="{}"),
    "an error of ours": said('{"error": "Invalid limit"}', status=400),
    "an error of many words": said('{"detail": [{"loc": ["query"], "msg": "no", "type": "x"}]}', status=422),
    "an error as if all were well": said(json.dumps(TROUBLE)),
    "an error of WordPress": said('{"code": "rest_no_route", "message": "no", "data": {"status": 404}}'),
    "an error of XML": said("<response><errors><error>no</error></errors><message>no</message></response>", "text/xml"),
    "not found": said("<html>404</html>", "text/html", status=404),
    "refused": said("{}", status=401),
    "an account is refused": said('{"code": "x_reauth_required"}', status=401),
    "a page": said("<html>sorry</html>", "text/html"),
    "a page that calls itself an answer": said("<!doctype html><title>sorry</title>"),
    "nothing": instead(text=""),
    "another document": said('{"data": {}}'),
    "no document": said("null"),
    "deep": said("[" * 200_000),
    "deep, and right": with_more("[" * DEEP + "]" * DEEP, "<a>" * DEEP + "</a>" * DEEP),
    "deep, and just to be read": with_more("[" * 800 + "]" * 800, "<a>" * 10 + "</a>" * 10),
    "of very many digits": with_more(DIGITS, DIGITS),
    "no number": with_more("NaN", "NaN"),
    "no end": with_more("[Infinity, -Infinity, 1e999, -0.0, 1e-999]", "Infinity"),
    "a name that comes twice": with_more('1, "more": {}, "more": null', "</more><more>"),
    "half a letter": with_more(r'"\ud800\u0000"', "&#xFFFD;"),
    **{name: blown_up(name) for name in BOMBS},
    "no letters": instead(body=bytes(range(256)), content_type="application/json"),
    "not what it is packed as": instead(body=b"{}", headers={"Content-Encoding": "gzip"}),
    "packed as nobody can": instead(body=b"{}", headers={"Content-Encoding": "x-no"}),
    "too long": padded(10 << 20),
    "long": padded(9 << 20),
    "another charset": called("utf-16"),
    "a charset that is unknown": called("klingon"),
    "a charset of no sense": called(";;="),
    "a charset that is not told": written_in("utf-16"),
    "a charset without its mark": written_in("utf-16-le", declared="utf-16"),
    "a mark": written_in("utf-8", codecs.BOM_UTF8),
    "in wide letters": written_in("utf-32"),
    "declared to be another": written_in("utf-8", declared="utf-16"),
    "declared to be one of letters": written_in("utf-8", declared="iso-8859-1"),
    "declared to be unknown": written_in("utf-8", declared="klingon"),
    **{f"elsewhere by {status}": elsewhere(status, "{0}") for status in (301, 302, 303, 307, 308)},
    "to another host": elsewhere(302, "http://localhost:{1}"),
    "to another host of the same scheme": elsewhere(307, "//localhost:{1}"),
    "to a host that is given a name": elsewhere(308, "http://user:secret@localhost:{1}"),
    "to another scheme": elsewhere(301, "https://localhost:{1}"),
    "to another path": elsewhere(307, "/stranger"),
    "denied": denied,
    "cut": cut,
    "half of it": halved,
    "more is promised": lying(lambda true: true + 50),
    "far more is promised": lying(lambda _: 10**15),
    "less is promised": lying(lambda true: max(1, true - 20)),
    "less than nothing is promised": lying(lambda _: -1),
    "two lengths are promised": lying(lambda true: true, lambda true: true + 1),
    "a length of letters": lying(lambda _: "long"),
    "chunks and a length": lying(lambda true: true - 1, chunk=lambda true: true),
    "a chunk that is longer": lying(chunk=lambda true: true + 9),
    "a chunk that is shorter": lying(chunk=lambda true: max(1, true - 9)),
}

HIDING = {"empty", "one is missing"}
"""Good answers as far as anybody can see, which keep back what is there."""
