"""Tcl's own text forms, in Python: lists, doubles, globs, and the two spellings of a name.

Pure text: a worker behind a pipe has no tkinter to ask.
"""

import re
from collections.abc import Iterable

_PLAIN = re.compile(r'[^{}"\\]*')  # text in which blanks alone separate the elements
_SPACE = " \t\n\v\f\r"
_ELEMENT = re.compile(r"[^ \t\n\v\f\r\\]+")
_BRACES = re.compile(r"[{}]|\\.", re.DOTALL)
_QUOTE = re.compile(r'"|\\.', re.DOTALL)
_BACKSLASH = re.compile(
    r"\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3})|(\n[ \t]*)|(.))",
    re.DOTALL,
)
_GLOB = re.compile(r"\*|\?|\[(?P<set>[^\]]*)(?:\]|$)|\\.|.", re.DOTALL)
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def split_list(text: str) -> list[str]:
    """The elements of the Tcl list `text`.

    Raises:
        ValueError: it is no list; the message is Tcl's (`unmatched open brace in list`).
    """
    if _PLAIN.fullmatch(text):
        return [element for element in re.split(r"[ \t\n\v\f\r]+", text) if element]
    elements: list[str] = []
    position, end = 0, len(text)
    while True:
        while position < end and text[position] in _SPACE:
            position += 1
        if position == end:
            return elements
        element, position = _next_element(text, position)
        elements.append(element)


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
    return _BACKSLASH.sub(_escaped, text) if "\\" in text else text


def _escaped(match: re.Match[str]) -> str:
    hex2, hex4, hex8, octal, line, other = match.groups()
    if hex2 or hex4 or hex8:
        return chr(min(int(hex2 or hex4 or hex8, 16), 0x10FFFF))
    if octal:
        return chr(int(octal, 8) & 0xFF)
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
    return re.fullmatch(_glob_regex(pattern), text, re.DOTALL) is not None


def _glob_regex(pattern: str) -> str:
    parts = []
    for mark in _GLOB.finditer(pattern):
        token = mark.group()
        if token == "*":
            parts.append(".*")
        elif token == "?":
            parts.append(".")
        elif mark.group("set") is not None:
            parts.append(_set_regex(mark.group("set")))
        else:
            parts.append(re.escape(token[-1]))
    return "".join(parts)


def _set_regex(inside: str) -> str:
    """A set of characters and ranges; a range may be written backwards, and nothing is special in it."""
    parts = []
    while inside:
        first, last = inside[0], inside[0]
        if len(inside) > 2 and inside[1] == "-":
            last = inside[2]
        parts.append("-".join(re.escape(end) for end in sorted((first, last))))
        inside = inside[3:] if first != last or inside[1:2] == "-" else inside[1:]
    return f"[{''.join(parts)}]" if parts else r"(?!)"


def double_text(value: float) -> str:
    """`value` as Tcl writes a double: the shortest text that reads back as the same one."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Inf" if value > 0 else "-Inf"
    return re.sub(r"e([+-])0(\d)$", r"e\1\2", repr(value))


def camel_case(name: str) -> str:
    """`quant_min` as `quantMin`; a name without underscores is its own camelCase."""
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)
