"""The same answer in other words: shapes in which each provider is documented, or was seen, to say what it says."""

import re

SPELLED = {"Waiting for encoder": "Waitingforencoder", "Processing": " PROCESSING ", "Finished": "finished"}
ALIASES = {"completed": " Done", "failed": "error", "pending": "Pending"}


def _rows(document, *lists):
    """Those of a list, or the one that is told alone, in what a document holds."""
    data = document.get("data", document)
    found = [data[name] for name in lists if isinstance(data, dict) and name in data]
    return found[0] if found else [data] * (isinstance(data, dict))


def _media(change):
    def shaped(document):
        for row in _rows(document, "videos", "images"):
            change(row)
        return document

    return shaped


def _more_platforms(row):
    """Objects of platforms that were not selected, members without a value, and of names that nobody knows."""
    row |= {"pinterest": {"status": "failed", "pinId": None}, "scheduledAt": None, "isDraft": False}
    row.setdefault("tiktok", {"status": "failed", "url": "", "videoId": None})


def _lean(row):
    row.pop("youtube", None)


def _loud(row):
    if isinstance(row.get("status"), str):
        row["status"] = f" {row['status'].upper()}"


def _paged_in_text(document):
    paging = _rows(document, "pagination")
    if paging:
        document["data"]["pagination"] = {name: str(number) for name, number in paging.items()}
    return document


def _jobs(document):
    for row in _rows(document, "jobs"):
        row |= {"name": None, "output": [], "outputs": None, "error": "", "changed_at": "never", "run_at": 0}
    return document


def _loud_jobs(document):
    for row in _rows(document, "jobs"):
        if "state" in row:
            row["state"] = f"{row['state']} ".upper()
    return document


def _keyed(document):
    """`results` by platform, as where uploads are synchronous, and the schedule a bare list."""
    rows = document.get("results")
    if rows and len({row["platform"] for row in rows}) == len(rows):
        document["results"] = {row["platform"]: {**row} for row in rows}
    return document.get("scheduled_posts", document)


def _aliased(document):
    """Other words for the end, the older member for the rows, no total, and a moment without a zone."""
    if document.get("status") in ALIASES and "results" in document:
        document["status"] = ALIASES[document["status"]]
        document["platforms"] = document.pop("results")
        document |= {"total": None, "success": True, "data": {}, "last_update": None}
    if "scheduled_posts" in document:
        document["scheduled"] = document.pop("scheduled_posts")
    return document


def _renamed(document):
    """Another name of a platform, and of what is there; moments without a zone, text for numbers."""
    for row in [*_rows(document, "results"), *_rows(document, "history")]:
        if row.get("platform") == "x":
            row |= {"platform": " Twitter", "platform_post_id": [None, "7"], "post_ids": [], "usage": {"count": "1"}}
        if "upload_timestamp" in row:
            row["upload_timestamp"] = row["upload_timestamp"].removesuffix("Z") + "000"
    return document


def _library(document):
    for row in document if isinstance(document, list) else document.get("posts", []):
        row |= {"title": None, "timezone": "Mars/Olympus", "scheduled_date": "0000-00-00 00:00:00", "mime_type": 7}
        for account in row.get("accounts", []):
            account["id"] = str(account["id"])
    return document


def _loud_library(document):
    for row in document if isinstance(document, list) else document.get("posts", []):
        _loud(row)
        row["code"] = "200"
        for account in row.get("accounts", []):
            account["posted_status"] = account["posted_status"] and account["posted_status"].title()
    return document


def _spelled(text):
    return re.sub(r"<status>([^<]*)</status>", lambda told: f"<status>{SPELLED.get(told[1], told[1])}</status>", text)


def _alone(text):
    """A job that is the only one is not wrapped."""
    return text.replace("<job>", "").replace("</job>", "") if text.count("<job>") == 1 else text


def _first_list(text):
    """The names of the first version of the list."""
    if "<media>" not in text:
        return text
    for name, old in (
        ("id", "mediaid"),
        ("status", "mediastatus"),
        ("created", "createdate"),
        ("finished", "finishdate"),
    ):
        text = re.sub(f"<(/?){name}>", rf"<\1{old}>", text)
    return text


def _bare(text):
    """Everything but the id and the word is optional, and what is empty comes in several ways."""
    text = re.sub(r"<(userid|sourcefile|progress|time_left)>[^<]*</\1>", r"<\1/>", text)
    return text.replace("<description></description>", "<prevstatus>Error</prevstatus><description> </description>")


SHAPES = {
    "xenonflare": (_media(_more_platforms), _media(_lean), _media(_loud), _paged_in_text),
    "http_json": (_jobs, _loud_jobs),
    "upload_post": (_keyed, _aliased, _renamed),
    "schedpilot": (_library, _loud_library),
    "encoding_com": (_spelled, _alone, _first_list, _bare),
}
MOST_SHAPES = max(map(len, SHAPES.values()))
