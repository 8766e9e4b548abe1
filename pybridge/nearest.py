"""Which of the known words was meant by one that is not known."""

import difflib
from collections.abc import Iterable

from pybridge.tcl_list import snake_case

LONGEST_WORD = 60  # characters; nobody has mistyped a longer one
_CUTOFF = 0.7  # of difflib's ratio: a letter or two are wrong


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """The known words that `word` may stand for, best first.

    Those that differ from it in case and underscores only; else those that begin with it, first where it ends
    with one of their own words, each in the order of `known`; else the one that is most like it. Of names
    that are spelled in several ways, the spelling of `word` is given.
    """
    if not word.strip("-_") or len(word) > LONGEST_WORD:
        return []
    spelled = _spelled_like(word, (each for each in known if each != word))
    key = _key(word)
    if key in spelled:
        return [spelled[key]]
    several = len(word) > 1  # one letter begins too much
    begun = [each for name, each in spelled.items() if several and name.startswith(key)]
    whole = [each for each in spelled.values() if _begins_with_words(each, word)]
    like = difflib.get_close_matches(key, spelled, n=1, cutoff=_CUTOFF) if several else []
    return list(dict.fromkeys(whole + begun)) or [spelled[each] for each in like]


def _spelled_like(word: str, known: Iterable[str]) -> dict[str, str]:
    """The known words by their letters; of several spellings the first that is of the kind of `word`."""
    camel = word != word.lower() and "_" not in word
    found: dict[str, str] = {}
    for each in known:
        key = _key(each)
        if key not in found or (_fits(each, camel) and not _fits(found[key], camel)):
            found[key] = each
    return found


def _fits(name: str, camel: bool) -> bool:
    return "_" not in name if camel else name == name.lower()


def _key(name: str) -> str:
    return name.replace("_", "").lower()


def _begins_with_words(name: str, word: str) -> bool:
    words = _words(word)
    return _words(name)[: len(words)] == words


def _words(name: str) -> list[str]:
    """The words of a name, in lower case; a dash in front belongs to the first."""
    return [each for each in snake_case(name).split("_") if each]
