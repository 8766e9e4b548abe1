"""What the prompt shows of a result."""

import textwrap

from prompt_toolkit.utils import get_cwidth

from pybridge.handles import HandleTable
from pybridge.prompt import records
from pybridge.summary import summary
from pybridge.tcl_list import elements_of, join_list, pairs_of

_MOST_CHARACTERS = 10_000
_WIDTH_OF_SUMMARY = 32  # columns; keys that leave so many stand in one column
_BEGINNING = 2_000  # characters
_LONGEST_VALUE = 1_000  # characters of what stands beside handles
# characters of a result in which more handles are looked for
_LONGEST_LIST = 1_000_000  # that begins with one
_LONGEST_DICT = 200_000  # that has one in its beginning


def echo(result: str, table: HandleTable, width: int) -> str:
    """A line for each handle that the result is a list of, or for each key of a dict with a handle in it.

    A handle that is no longer live is said to be freed.

    Another dict, or list of dicts, is laid out by `records`; what else there is is as it is, if not too long.
    Below lists and dicts with handles in others there is a line for each of these, too.
    """
    elements = _elements(result, table)
    if elements and all(map(table.was_given, elements)):
        return _lines([("", name) for name in elements], "handles", table, width)
    written = _is_written_by_tcl(elements, result)
    pairs = pairs_of(elements) if written else {}
    if _is_list(pairs, table):
        pairs = {}
    has_handles = any(map(table.was_given, pairs.values()))
    if not has_handles and (found := records.layout(result, width)) is not None:
        return found
    if any(map(table.given_names_in, pairs.values())):
        rows = [row for key, value in pairs.items() for row in _rows(key or "{}", value, table)]
        return _lines(rows, "keys" if len(rows) == len(pairs) else "lines", table, width)
    if written and table.given_names_in(result):
        return _lines(_rows("", result, table), "handles", table, width)
    return _cut(result, "puts")


def folded(message: str, width: int) -> str:
    """A message, if not too long, whose lines end between words where they do not fit."""
    lines = _cut(message, "puts $errorInfo").split("\n")
    return "\n".join(_folded(line, width) if len(line) > width else line for line in lines)


def _folded(line: str, width: int) -> str:
    return textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False)


def _cut(text: str, shows_all: str) -> str:
    if len(text) <= _MOST_CHARACTERS:
        return text
    note = f'... the first {_MOST_CHARACTERS} of {len(text)} characters; "{shows_all}" shows all'
    return f"{text[:_MOST_CHARACTERS]}\n{note}"


def _elements(result: str, table: HandleTable) -> list[str]:
    """The elements of the result, if it is a list that may have handles in it."""
    begin = result[:_BEGINNING].replace("{", " ").replace("}", " ").split()
    longest = _LONGEST_DICT if any(map(table.was_given, begin)) else _MOST_CHARACTERS
    if begin and table.was_given(begin[0]):
        longest = _LONGEST_LIST
    return elements_of(result) if len(result) <= longest else []


def _is_written_by_tcl(elements: list[str], result: str) -> bool:
    """Whether the result is a list of words that fit into lines, written as Tcl does; text seldom is."""
    return 0 < len(result) <= _LONGEST_DICT and result.isprintable() and join_list(elements) == result


def _is_list(pairs: dict[str, str], table: HandleTable) -> bool:
    """Whether lists of handles, or handles beside such lists, only look like the keys of a dict."""
    return any(
        table.given_names_in(value) and not table.was_given(value)
        if table.was_given(key)
        else table.given_names_in(key)
        for key, value in pairs.items()
    )


def _rows(label: str, value: str, table: HandleTable) -> list[tuple[str, str]]:
    """A value with its label, and below it the handles in it; a list of nothing else is these."""
    names = table.given_names_in(value)
    below = names if names and names == elements_of(value) else [value or "{}", *dict.fromkeys(names)]
    return [(label, below[0]), *(("", name) for name in below[1:])]


def _lines(pairs: list[tuple[str, str]], what: str, table: HandleTable, width: int) -> str:
    """Labels and values, and what the handles among these name, without statistics where they do not fit."""
    shown = pairs[: records.MOST_LINES]
    longest = max((len(value) for _, value in shown if table.was_given(value)), default=0)
    brief = [_described(value, longest, table, statistics=False) for _, value in shown]
    margin = max(get_cwidth(label) for label, _ in shown)
    if margin + 2 + max(map(get_cwidth, brief)) > width:
        margin = min(max(0, width - _WIDTH_OF_SUMMARY), margin)
    lines = []
    for (label, value), short in zip(shown, brief, strict=True):
        start = f"{records.padded(label, margin)}  " if margin else ""
        line = start + _described(value, longest, table)
        lines.append(line if get_cwidth(line) <= width else start + short)
    if len(pairs) > len(shown):
        lines.append(records.more(len(pairs) - len(shown), f" {what}"))
    return "\n".join(lines)


def _described(value: str, longest: int, table: HandleTable, statistics: bool = True) -> str:
    """A value, and if it is a handle, what it names, behind a column as wide as the longest one."""
    if value in table.objects:
        return f"{value.ljust(longest)}  {summary(table.objects[value], statistics)}"
    if table.was_given(value):
        return f"{value.ljust(longest)}  (freed)"
    return value if len(value) <= _LONGEST_VALUE else f"{value[:_LONGEST_VALUE]}... ({len(value)} characters)"
