"""text and numbers → words that a person may be shown."""

"".encode("unicode_escape")  # which loads it: a log must be able to tell that no file can be opened any more


def visible(text: str) -> str:
    r"""The text, and every character that is not plainly seen written as its escape: line ends, `\x1b`, `\u202e`."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def counted(count: int, one: str) -> str:
    """`1 source`, `2 replays`, `0 deliveries`."""
    many = one + "s" if one[-1] != "y" or one[-2] in "aeiou" else one.removesuffix("y") + "ies"
    return f"{count} {one if count == 1 else many}"


def span(seconds: float) -> str:
    """About how long it is, in a few characters: `5s`, `30m`, `8.5h`; nothing is shorter than `0s`."""
    whole = max(0, round(seconds))
    if whole < 100:  # noqa: PLR2004  # up to here seconds are what one thinks in
        return f"{whole}s"
    minutes = whole / 60
    return f"{minutes:.0f}m" if minutes < 100 else f"{minutes / 60:.1f}".removesuffix(".0") + "h"  # noqa: PLR2004
