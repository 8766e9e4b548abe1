"""How a value differs from what it should be, in words."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator

from pybridge.tcl_list import elements_of
from pybridge.tcltest.characters import (
    conceals,
    has_control,
    look,
    look_the_same,
    quoted,
    unseen_difference,
)
from pybridge.tcltest.lines import first_unequal, line_diff

_SHORT = 60  # characters
_LONGEST_LINE = 4_000  # characters
_SHOWN_LINES = 200
_LONG = 200  # characters of a value in one line
_KEY = re.compile(r"[^\W\d]\S{,29}")
_BEFORE, _AFTER = 10, 20  # characters that are shown around a place


def mismatch(what: str, mode: str, expected: str, actual: str, message: str, *, whole: bool) -> Iterator[str]:
    """Tell how a value does not match.

    Args:
        what: what is compared, such as `result`.
        mode: tcltest's `-match`.
        expected, actual: what is compared.
        message: what the command that compares has complained about; empty where it has not.
        whole: whether all is shown, however long.
    """
    spell = _speller(mode, expected, actual)
    where = _where(what, mode, expected, actual, message)
    if where:
        yield from where.split("\n")
    elif look_the_same(expected, actual):
        yield f"{what} differs only in {unseen_difference(expected, actual)}"
    if _by_lines(mode, expected, actual):
        yield "- expected, + got:"
        yield from _cut(line_diff(*_told_apart(*_lines_of(expected, actual))), whole)
        return
    at = first_unequal(expected, actual) if mode in ("exact", "approx") else 0
    if mode != "tensor" or not message:  # the message says more than the name of a handle
        yield from _valued(f"{what} was", "", actual, at, spell, whole)
    yield from _valued(f"{what} should have been", _matching(mode), expected, at, spell, whole)


def mismatch_in_short(what: str, mode: str, expected: str, actual: str, message: str) -> str:
    """Tell in one line how a value does not match; the arguments are those of `mismatch`."""
    label = "" if what == "result" else f"{what}: "
    where = label + message if message else _where(what, mode, expected, actual, "")
    if where:
        return where.split("\n")[0]
    spell = _speller(mode, expected, actual)
    return f"{label}got {_in_a_line(spell(actual))}, expected {_in_a_line(spell(expected))}{_matching(mode)}"


def _matching(mode: str) -> str:
    """How a label names the mode."""
    return "" if mode == "exact" else f" ({mode} matching)"


def _speller(mode: str, expected: str, actual: str) -> Callable[[str], str]:
    """What spells either value."""
    unclear = look_the_same(expected, actual) or has_control(expected + actual)
    return lambda text: _spelled(text, mode, unclear)


def _where(what: str, mode: str, expected: str, actual: str, message: str) -> str:
    """Where the values differ, and in what; empty where that is seen when one looks at the values."""
    if message:
        return f"{what} does not match: {message}"
    if _by_lines(mode, expected, actual):
        if expected.rstrip("\n") != actual.rstrip("\n"):
            return f"{what} differs {_where_lines_differ(*_lines_of(expected, actual))}"
        newlines = f"got {_newlines_after(actual)}, expected {_newlines_after(expected)}"
        return f"{what} differs at its end: {newlines}"
    if mode == "exact" and max(len(expected), len(actual)) > _SHORT:
        return f"{what} differs {_first_difference(expected, actual)}"
    return ""


def _by_lines(mode: str, expected: str, actual: str) -> bool:
    return mode == "exact" and "\n" in expected + actual


def _lines_of(*texts: str) -> Iterator[list[str]]:
    all_end = all(text.endswith("\n") for text in texts)  # no line comes after that
    return (text[: len(text) - all_end].split("\n") for text in texts)


def _in_a_line(text: str) -> str:
    if "\n" in text:
        text = " ".join(text.split())
    elif text != text.strip():
        text = quoted(text)
    return (text if len(text) <= _SHORT else text[:_SHORT] + "...") or quoted("")


def _spelled(text: str, mode: str, unclear: bool) -> str:
    """A value as it is, or in quotes. How a pattern differs cannot be seen by its look."""
    if "\n" in text.strip():
        # the beginnings of lines can be seen
        lines = text.split("\n")
        return "\n".join(quoted(line) if conceals(line.lstrip(" \t")) else line for line in lines)
    return quoted(text) if unclear or (mode != "exact" and conceals(text)) else text


def _valued(
    label: str, matching: str, value: str, at: int, spell: Callable[[str], str], whole: bool
) -> Iterator[str]:
    """A value with its label; of a long one the part around this place."""
    text = spell(value)
    if not text:
        yield f"{label} empty{matching}"
    elif "\n" not in text and len(text) <= _SHORT:
        yield f"{label}{matching}: {text}"
    elif whole or "\n" in text or len(value) <= _LONG:
        yield f"{label}{matching}:"
        yield from _cut(text.split("\n"), whole)
    else:
        yield f"{label}{matching} ({len(value)} characters; -vv shows all):"
        yield "  " + spell(_around(value, at, _LONG // 3, 2 * _LONG // 3))


def _newlines_after(text: str) -> str:
    number = len(text) - len(text.rstrip("\n"))
    return f"{number or 'no'} newline{'s' if number > 1 else ''}"


def _told_apart(*texts: list[str]) -> Iterator[list[str]]:
    """The lines of these texts, in quotes where others look the same."""
    same: dict[str, set[str]] = defaultdict(set)
    for line in (line for lines in texts for line in lines):
        same[look(line)].add(line)
    for lines in texts:
        yield [quoted(line) if len(same[look(line)]) > 1 or has_control(line) else line for line in lines]


def _cut(lines: list[str], whole: bool) -> Iterator[str]:
    """The lines, indented; not too many of them, and none too long, unless all are wanted."""
    shown = lines if whole else lines[:_SHOWN_LINES]
    for line in shown:
        long = not whole and len(line) > _LONGEST_LINE
        yield "  " + (f"{line[:_LONGEST_LINE]}... ({len(line)} characters; -vv shows all)" if long else line)
    if len(shown) < len(lines):
        yield f"  ... ({len(lines) - len(shown)} more lines; -vv shows all)"


def _first_difference(expected: str, actual: str) -> str:
    """Where two lines begin to differ: at which element, where both are lists of several, or character."""
    path: list[int] = []  # as `lindex` takes it
    key = ""
    wanted, got = elements_of(expected), elements_of(actual)
    while wanted != got and min(len(wanted), len(got)) > 1:
        index = first_unequal(wanted, got)
        if index == min(len(wanted), len(got)):
            return " ".join([*_at_element(path, key), _lengths("element", wanted, got)])
        path.append(index)
        key = wanted[index - 1] if _has_key(index, wanted, got) else ""
        expected, actual = wanted[index], got[index]
        wanted, got = elements_of(expected), elements_of(actual)
    place = _at_element(path, key)
    if path and max(len(expected), len(actual)) <= _SHORT:
        return place[0] + _got(expected, actual)
    if wanted == got and len(got) > 1 and not look_the_same(expected, actual):
        place.append("as text, not as a list")
    at = first_unequal(expected, actual)
    return ", ".join([*place, f"at character {at}{_got(expected, actual, at)}"])


def _at_element(path: list[int], key: str) -> list[str]:
    return [f"at element {' '.join(map(str, path))}{f' (after {key})' if key else ''}"] if path else []


def _has_key(index: int, wanted: list[str], got: list[str]) -> bool:
    """Whether the element before this one says in a word what it is, as in a dict."""
    pairs = len(wanted) % 2 == len(got) % 2 == 0
    return pairs and index % 2 == 1 and _KEY.fullmatch(wanted[index - 1]) is not None


def _where_lines_differ(wanted: list[str], got: list[str]) -> str:
    at = first_unequal(wanted, got)
    if at == min(len(wanted), len(got)):
        return _lengths("line", wanted, got)
    expected, actual = wanted[at], got[at]
    if max(len(expected), len(actual)) <= _SHORT:
        return f"at line {at + 1}{_got(expected, actual)}"
    column = first_unequal(expected, actual)
    return f"at line {at + 1}, at character {column}{_got(expected, actual, column)}"


def _lengths(kind: str, wanted: list[str], got: list[str]) -> str:
    return f"in length: {len(got)} {kind}{'' if len(got) == 1 else 's'}, expected {len(wanted)}"


def _got(expected: str, actual: str, at: int | None = None) -> str:
    """In what two values differ, if that does not show, and what they are, or only around a place."""
    alike = look_the_same(expected, actual)
    how = f" in {unseen_difference(expected, actual)}" if alike else ""
    if at is not None:
        expected, actual = _around(expected, at), _around(actual, at)
    quotes = not (expected and actual) and '"' in expected + actual  # an empty one is shown as two of them
    if alike or quotes or "\n" in expected + actual or has_control(expected + actual):
        expected, actual = quoted(expected), quoted(actual)
    return f"{how}: got {actual or quoted('')}, expected {expected or quoted('')}"


def _around(text: str, at: int, before: int = _BEFORE, after: int = _AFTER) -> str:
    begin, end = max(0, at - before), at + after
    return ("..." if begin else "") + text[begin:end] + ("..." if end < len(text) else "")
