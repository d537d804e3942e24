"""a word that was written × the words there are → the nearest right one."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches

from notifier import __version__
from notifier.config.faults import Wrong

THIS_VERSION = f"notifier {__version__}"


def nearest(word: object, words: Iterable[str]) -> str:
    """The word that was probably meant; "" where none is near."""
    return next(iter(get_close_matches(word.lower(), list(words), n=1)), "") if isinstance(word, str) else ""


def one_of(word: object, words: Collection[str]) -> str:
    """The word, if it is one of `words`. Raises `Wrong`."""
    if isinstance(word, str) and word in words:
        return word
    raise Wrong(f"expected {_listed(words)}", nearest(word, words) if len(words) > 1 else "")


def _listed(words: Collection[str]) -> str:
    *most, last = (f'"{word}"' for word in words)
    return f"{', '.join(most)} or {last}" if most else last
