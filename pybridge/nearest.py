"""Which of the known words was meant by one that is not known."""

from collections.abc import Iterable

from pybridge.tcl_list import snake_case

LONGEST_WORD = 60  # characters; nobody has mistyped a longer one
_SHORT = 2  # characters of a word that too many names end with
_FEW = 5  # names; a word that more begin with says little
_MOST_LIKE = 10  # words that are looked at more closely
_CUTOFF = 0.7  # of difflib's ratio: a letter or two are wrong


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """The known words that `word` may stand for, best first.

    Those that differ from it in case and underscores only; else those that begin with its words, begin with
    its letters, or end with its words, each in the order of `known`; else a few that begin with the words
    behind the first, if that is the first of others; else the one that is most like it, or those that begin
    with the words that are. What has the first word in common with it, as many names have, must be like it in
    the rest, too. Of names that are spelled in several ways, the spelling of `word` is given.
    """
    if not word.strip("-_") or len(word) > LONGEST_WORD:
        return []
    spelled = _spelled_like(word, (each for each in known if each != word))
    key = _key(word)
    if key in spelled:
        return [spelled[key]]
    words = words_of(word)
    own = {each: words_of(each) for each in spelled.values()}
    whole = [each for each in own if own[each][: len(words)] == words]
    if len(word) == 1:  # it is in too many
        return whole
    ending = [each for each in own if own[each][-len(words) :] == words and len(word) > _SHORT]
    begun = [each for name, each in spelled.items() if name.startswith(key)]
    if found := list(dict.fromkeys(whole + begun + ending)) or _behind_first(words, own):
        return found
    import difflib  # nothing needs it until a word is mistyped

    beginnings = {each: own[each][: len(words)] for each in own}
    wholes = {"".join(parts): parts for parts in (*beginnings.values(), *own.values())}
    close = difflib.get_close_matches(key, wholes, n=_MOST_LIKE, cutoff=_CUTOFF)
    like = next((wholes[each] for each in close if _is_like(words, wholes[each])), None)
    named = [each for each in own if own[each] == like]
    return named or [each for each in own if beginnings[each] == like]


def _behind_first(words: list[str], own: dict[str, list[str]]) -> list[str]:
    """`quantize_integers` for `tensor_quantize`, as there are names like `tensor_sum`."""
    first, rest = words[0], words[1:]
    if not rest or all(each[:1] != [first] for each in own.values()):
        return []
    found = [name for name, each in own.items() if each[: len(rest)] == rest]
    return found if len(found) <= _FEW else []


def _is_like(words: list[str], others: list[str]) -> bool:
    """Whether they are like each other in more than the first word."""
    if words[0] != others[0] or len(words) == 1:
        return True
    import difflib

    rest, other = "".join(words[1:]), "".join(others[1:])
    return is_slip(rest, other) or difflib.SequenceMatcher(None, rest, other).ratio() >= _CUTOFF


def is_slip(word: str, other: str) -> bool:
    """Whether a letter is wrong, missing or too much, or two have changed places."""
    if word == other or abs(len(word) - len(other)) > 1:
        return False
    start = 0
    while word[start:] and word[start] == other[start : start + 1]:
        start += 1
    word, other = word[start:], other[start:]
    changed = word[:2] == other[:2][::-1] and word[2:] == other[2:]
    return changed or word[1:] in (other, other[1:]) or word == other[1:]


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


def words_of(name: str) -> list[str]:
    """The words of a name, in lower case; a dash in front belongs to the first."""
    return [each for each in snake_case(name).split("_") if each]
