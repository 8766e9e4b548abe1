"""Tcl's own text forms, in Python: lists, doubles, globs, and the two spellings of a name.

Pure text: a worker behind a pipe has no tkinter to ask.
"""

import math
import re
from collections.abc import Iterable

_ORDINARY = re.compile(  # an element, with the blanks before it, that needs no look at its parts
    r"""[ \t\n\v\f\r]*(?:\{([^{}\\]*)\}|([^{}"\\ \t\n\v\f\r][^\\ \t\n\v\f\r]*))(?![^ \t\n\v\f\r])"""
)
_SPACE = " \t\n\v\f\r"
_ELEMENT = re.compile(r"[^ \t\n\v\f\r\\]+")
_BRACES = re.compile(r"[{}]|\\.", re.DOTALL)
_QUOTE = re.compile(r'"|\\.', re.DOTALL)
_BACKSLASH = re.compile(
    r"\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-3]?[0-7]{1,2})|(\n[ \t]*)|(.))",
    re.DOTALL,
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def split_list(text: str) -> list[str]:
    """The elements of the Tcl list `text`.

    Raises:
        ValueError: it is no list; the message is Tcl's (`unmatched open brace in list`).
    """
    # a search for each of some characters is faster than one for any of them
    if "{" in text or "}" in text or '"' in text or "\\" in text:
        return _split_quoted(text)
    # blanks to Python, and not to Tcl, are these four, and others beyond ASCII
    if text.isascii() and not ("\x1c" in text or "\x1d" in text or "\x1e" in text or "\x1f" in text):
        return text.split()
    return [element for element in re.split(r"[ \t\n\v\f\r]+", text) if element]


def _split_quoted(text: str) -> list[str]:
    """The elements of a list in which not only blanks separate them."""
    elements: list[str] = []
    position, end = 0, len(text)
    while True:
        while found := _ORDINARY.match(text, position):
            elements.append(found[found.lastindex or 0])
            position = found.end()
        while position < end and text[position] in _SPACE:
            position += 1
        if position == end:
            return elements
        element, position = _next_element(text, position)
        elements.append(element)


def elements_of(text: str) -> list[str]:
    """The elements of the Tcl list `text`; none where it is no list."""
    try:
        return split_list(text)
    except ValueError:
        return []


def pairs_of(elements: list[str]) -> dict[str, str]:
    """The keys and values that take turns in a list; none where a key has no value or comes twice."""
    pairs = dict(zip(elements[::2], elements[1::2], strict=False))
    return pairs if 2 * len(pairs) == len(elements) else {}


def _next_element(text: str, start: int) -> tuple[str, int]:
    if text[start] == "{":
        stop = _closing_brace(text, start)
        _check_end(text, stop, "braces")
        return text[start + 1 : stop - 1], stop  # in braces a backslash is itself
    if text[start] == '"':
        stop = _closing_quote(text, start)
        _check_end(text, stop, "quotes")
        return _unescape(text[start + 1 : stop - 1]), stop
    stop = start
    while stop < len(text) and text[stop] not in _SPACE:
        if text[stop] == "\\":
            escape = _BACKSLASH.match(text, stop)
            stop = escape.end() if escape else stop + 1
        else:
            stop = _ELEMENT.match(text, stop).end()  # type: ignore[union-attr]  # not a blank, not a backslash
    return _unescape(text[start:stop]), stop


def _closing_brace(text: str, start: int) -> int:
    depth = 0
    for mark in _BRACES.finditer(text, start):
        depth += {"{": 1, "}": -1}.get(mark.group(), 0)
        if depth == 0:
            return mark.end()
    raise ValueError("unmatched open brace in list")


def _closing_quote(text: str, start: int) -> int:
    for mark in _QUOTE.finditer(text, start + 1):
        if mark.group() == '"':
            return mark.end()
    raise ValueError("unmatched open quote in list")


def _check_end(text: str, stop: int, what: str) -> None:
    if stop < len(text) and text[stop] not in _SPACE:
        rest = re.match(r"[^ \t\n\v\f\r]{1,20}", text[stop:])
        raise ValueError(
            f'list element in {what} followed by "{rest.group() if rest else ""}" instead of space'
        )


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    plain = _BACKSLASH.sub(_escaped, text)
    if _SURROGATE.search(plain):  # two halves written as \\u escapes are one character
        plain = plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return plain


def _escaped(match: re.Match[str]) -> str:
    hex2, hex4, hex8, octal, line, other = match.groups()
    if hex2 or hex4:
        return chr(int(hex2 or hex4, 16))
    if hex8:  # as many digits as stay inside Unicode
        length = max(count for count in range(1, len(hex8) + 1) if int(hex8[:count], 16) <= 0x10FFFF)
        return chr(int(hex8[:length], 16)) + hex8[length:]
    if octal:
        return chr(int(octal, 8))
    if line:
        return " "
    return _ESCAPES.get(other, other)


def join_list(elements: Iterable[str]) -> str:
    """The Tcl list of `elements` as text; `split_list` gives them back."""
    return " ".join(_quoted(element) for element in elements)


def _quoted(element: str) -> str:
    if element and not re.search(r'[\s{}"\\\[\]$;#\0]', element):
        return element
    if _braces_balance(element):
        return "{" + element + "}"
    return re.sub(r'([\s{}"\\\[\]$;#])', _backslashed, element)


def _backslashed(match: re.Match[str]) -> str:
    names = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\v": "\\v", "\f": "\\f"}
    return names.get(match.group(), "\\" + match.group())


def _braces_balance(element: str) -> bool:
    depth = 0
    for mark in _BRACES.finditer(element):
        depth += {"{": 1, "}": -1}.get(mark.group(), 0)
        if depth < 0 or mark.group() == "\\\n":
            return False
    return depth == 0 and not re.search(r"\\$", element)


def glob_match(pattern: str, text: str) -> bool:
    """Whether `text` matches, as Tcl's `string match` decides."""
    at = position = after_star = retry = 0
    while position < len(text):
        if pattern[at : at + 1] == "*":
            at += 1
            after_star, retry = at, position
            continue
        following = _match_one(pattern, at, text[position])
        if following:
            at, position = following, position + 1
        elif after_star:  # the star takes one character more
            retry += 1
            at, position = after_star, retry
        else:
            return False
    return not pattern[at:].strip("*")


def _match_one(pattern: str, at: int, character: str) -> int:
    """Where the pattern goes on after matching one character at `at`; 0 when it does not match."""
    token = pattern[at : at + 1]
    if token == "?":
        return at + 1
    if token == "[":
        return _match_set(pattern, at + 1, character)
    if token == "\\":
        at += 1
        token = pattern[at : at + 1]
    return at + 1 if token == character else 0


def _match_set(pattern: str, at: int, character: str) -> int:
    while pattern[at : at + 1] not in ("", "]"):
        first = last = pattern[at]
        at += 1
        if pattern[at : at + 1] == "-":
            last = pattern[at + 1 : at + 2]
            at += 2
            if not last:
                return 0
        if min(first, last) <= character <= max(first, last):
            end = pattern.find("]", at)
            return end + 1 if end >= 0 else len(pattern)
    return 0


def double_text(value: float) -> str:
    """`value` as Tcl writes a double: the shortest text that reads back as the same one."""
    if value != value:
        return "-NaN" if math.copysign(1, value) < 0 else "NaN"
    if value in (float("inf"), float("-inf")):
        return "Inf" if value > 0 else "-Inf"
    if 1e16 <= abs(value) < 1e17:  # Python goes over to an exponent one digit earlier
        sign, digits = ("-" if value < 0 else ""), repr(abs(value)).partition("e")[0].replace(".", "")
        return f"{sign}{digits:0<17}.0"
    return re.sub(r"e([+-])0(\d)$", r"e\1\2", repr(value))


def camel_case(name: str) -> str:
    """`quant_min` as `quantMin`; a name without underscores is its own camelCase."""
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


def spellings(*names: str) -> tuple[str, ...]:
    """Each name, and the same in camelCase; those without underscores once."""
    return tuple(dict.fromkeys(each for name in names for each in (name, camel_case(name))))


def snake_case(name: str) -> str:
    """`quantMin` as `quant_min`."""
    return _HUMP.sub("_", name).lower()
