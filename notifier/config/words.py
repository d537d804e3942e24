"""a word that was written × the words there are → the nearest right one."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches

from notifier import __version__
from notifier.config.faults import Wrong

THIS_VERSION = f"notifier {__version__}"
LATER_FORMATS = ("encoding_com",)
LATER_KEYS = {
    "endpoints.body": 'format "encoding_com"',
    "endpoints.output": 'format "encoding_com"',
    "endpoints.announce_ready": 'format "encoding_com"',
}
"""Keys that this version does not have, and what they will come with."""


def nearest(word: object, words: Iterable[str]) -> str:
    """The word that was probably meant; "" where none is near."""
    return next(iter(get_close_matches(word.lower(), list(words), n=1)), "") if isinstance(word, str) else ""


def one_of(what: str, word: object, words: Collection[str], later: Collection[str] = ()) -> str:
    """The word, if it is one of `words`; `later` are those that a further version will know. Raises `Wrong`."""
    if isinstance(word, str) and word in words:
        return word
    if isinstance(word, str) and word in later:
        raise Wrong(f'{what} "{word}" is not in {THIS_VERSION} yet; it has: {", ".join(words)}')
    raise Wrong(f"expected {_listed(words)}", nearest(word, words) if len(words) > 1 else "")


def _listed(words: Collection[str]) -> str:
    *most, last = (f'"{word}"' for word in words)
    return f"{', '.join(most)} or {last}" if most else last
