"""Text with characters that do not show, or that look like others."""

import re
import unicodedata

# what a terminal obeys, but for \t and \n, and halves of surrogate pairs, which no file takes
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_MINUS = "\N{MINUS SIGN}"


def harmless(text: str) -> str:
    """The text with its control characters escaped, as Tcl escapes them."""
    return _CONTROL.sub(lambda match: _code(match[0]), text)


def printable(text: str) -> str:
    """The text with all that does not show escaped, as Tcl escapes it."""
    return "".join(each if each.isprintable() else _code(each) for each in text)


def has_control(text: str) -> bool:
    return _CONTROL.search(text) is not None


def conceals(text: str) -> bool:
    """Whether the text has blanks at an end or a character that does not show."""
    return text != text.strip() or not text.replace("\n", "").replace("\t", "").isprintable()


def quoted(text: str) -> str:
    """The text in quotes, with what does not show or looks like something else escaped, as in Tcl."""
    return '"' + "".join(map(_escaped, text)) + '"'


def look(line: str) -> str:
    """How a line looks on a terminal: lines that look the same have this in common."""
    if line.isascii() and line.isprintable():
        return line.rstrip()
    shown = (char for char in unicodedata.normalize("NFKC", line.expandtabs()) if char.isprintable())
    return "".join("-" if _is_dash(char) else char for char in shown).rstrip()


def look_the_same(left: str, right: str) -> bool:
    """Whether two texts that differ, each of one line, look the same to who does not count blanks."""
    return left != right and look(left).split() == look(right).split()


def unseen_difference(left: str, right: str) -> str:
    """In what two texts differ that look the same."""
    if "".join(left.split()) == "".join(right.split()):
        return "white space"
    return "characters that do not show or look alike"


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    own_look = char.isascii() or (
        unicodedata.normalize("NFKC", char) == char
        and unicodedata.category(char) != "Mn"  # an accent on the character before it
        and not _is_dash(char)
    )
    return char if own_look and char.isprintable() else _code(char)


def _is_dash(char: str) -> bool:
    return char == _MINUS or unicodedata.category(char) == "Pd"


def _code(char: str) -> str:
    return ascii(char)[1:-1]
