"""Which of the known words was meant by one that is not known."""

from collections.abc import Iterable

from pybridge.tcl_list import snake_case

LONGEST_WORD = 60  # characters; nobody has mistyped a longer one
_SHORT = 2  # characters of a word that too many names end with
_CUTOFF = 0.7  # of difflib's ratio: a letter or two are wrong


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """The known words that `word` may stand for, best first.

    Those that differ from it in case and underscores only; else those that begin with its words, begin with
    its letters, or end with its words, each in the order of `known`; else the one that is most like it, or
    those that begin with the words that are. Of names that are spelled in several ways, the spelling of
    `word` is given.
    """
    if not word.strip("-_") or len(word) > LONGEST_WORD:
        return []
    spelled = _spelled_like(word, (each for each in known if each != word))
    key = _key(word)
    if key in spelled:
        return [spelled[key]]
    words = _words(word)
    own = {each: _words(each) for each in spelled.values()}
    whole = [each for each in own if own[each][: len(words)] == words]
    if len(word) == 1:  # it is in too many
        return whole
    ending = [each for each in own if own[each][-len(words) :] == words and len(word) > _SHORT]
    begun = [each for name, each in spelled.items() if name.startswith(key)]
    if found := list(dict.fromkeys(whole + begun + ending)):
        return found
    import difflib  # nothing needs it until a word is mistyped

    beginnings = {each: "".join(own[each][: len(words)]) for each in own}
    like = difflib.get_close_matches(key, [*spelled, *beginnings.values()], n=1, cutoff=_CUTOFF)
    named = [spelled[name] for name in like if name in spelled]
    return named or [each for each in own if beginnings[each] in like]


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


def _words(name: str) -> list[str]:
    """The words of a name, in lower case; a dash in front belongs to the first."""
    return [each for each in snake_case(name).split("_") if each]
