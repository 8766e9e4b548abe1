"""Lists of dicts, and dicts in dicts, as tables: a line for each dict, a column for each key."""

import math
import re
import textwrap
from itertools import accumulate, takewhile

from prompt_toolkit.utils import get_cwidth

from pybridge.tcl_list import elements_of, join_list, pairs_of

MOST_LINES = 20
_MOST_ROWS = 16  # with what is above and below them they stay on a terminal of 24 lines
_LONGEST = 200_000  # characters of a result that is looked at
_NARROWEST = 20  # columns of a terminal
_WIDEST_CELL = 48
_MOST_NOTES = 3  # lines
_MOST_LEVELS = 5  # of dicts in dicts; the rest is parsed again at each
_INDENT = "  "
_BOUND = "\N{NO-BREAK SPACE}"
_KEY = re.compile(r"[A-Za-z_]\w*")  # as in dicts that commands return; not all words of a text are like that
_NUMBER = re.compile(r"-?(\d+(\.\d+)?(e[-+]?\d+)?|Inf|NaN)")

Row = dict[str, str]


def layout(result: str, width: int) -> str | None:
    """Dicts in a list, or in another dict, as a table; another dict with a line or a table for each key.

    None if the result is neither, and if it fits into a line of `width` columns.
    """
    if len(result) > _LONGEST or get_cwidth(result) <= width or not result.isprintable():
        return None
    elements = elements_of(result)
    lines = _lines(elements, width)
    return "\n".join(lines) if lines and join_list(elements) == result else None  # text is written otherwise


def more(number: int, what: str = "") -> str:
    """The line behind those that are shown."""
    return f'... and {number} more{what}; "puts" shows all'


def _dict(elements: list[str]) -> Row:
    """The elements as a dict, if the keys are such as commands use, and no value is for more than reading."""
    pairs = pairs_of(elements)
    readable = all(map(str.isprintable, pairs.values()))  # `\u001b` in a list has become the character
    return pairs if readable and all(map(_KEY.fullmatch, pairs)) else {}


def _lines(elements: list[str], width: int, levels: int = _MOST_LEVELS) -> list[str]:
    """A table or the lines of keys; none for what is neither, or too deep in others, or has no room."""
    if not levels or width < _NARROWEST:
        return []
    return _table(elements, width) or _lines_of_keys(elements, width, levels)


def _lines_of_keys(elements: list[str], width: int, levels: int) -> list[str]:
    pairs = _dict(elements)
    shown = list(pairs)[:MOST_LINES]
    below = {key: _lines_below(pairs[key], width - len(_INDENT), levels - 1) for key in shown}
    numbers = sum(bool(_NUMBER.fullmatch(value)) for value in pairs.values())
    if not any(below.values()) and numbers < max(1, len(pairs) / 3):  # a sentence may have one, too
        return []
    margin = max(map(get_cwidth, shown))
    lines = []
    for key in shown:
        if below[key]:
            lines += [_cut(key, width), *(_INDENT + line for line in below[key])]
        else:
            lines.append(_cut(f"{padded(key, margin)}  {pairs[key] or '{}'}", width))
    if len(pairs) > len(shown):
        lines.append(_cut(more(len(pairs) - len(shown), " keys"), width))
    return lines


def _lines_below(value: str, width: int, levels: int) -> list[str]:
    """The lines below the key of a value; none where it stands beside the key."""
    elements = elements_of(value)
    return _lines(elements, width, levels) if len(value) > width else _table(elements, width)


# -- tables ----------------------------------------------------------------------------------------------


def _table(elements: list[str], width: int) -> list[str]:
    """A table for a list of dicts with the same keys, for a dict of such dicts, or of lists of them."""
    labels: list[str] = []
    rows = _rows(elements)
    if not rows and len(elements) % 2 == 0:
        labels, rows = _labelled_rows(elements[::2], elements[1::2])
    if not rows or not all(map(str.isprintable, labels)):  # else an escape would reach the terminal
        return []
    keys = list(rows[0])
    same = _common(rows) if _fitting(labels, rows, keys, width) < len(keys) else []
    keys = [key for key in keys if key not in same]
    count = _fitting(labels, rows, keys, width)
    if not count or (labels and len(rows) == 1 and count < len(keys)):  # it has a line for each key
        return []
    notes = [_cut(more(len(rows) - _MOST_ROWS), width)] if len(rows) > _MOST_ROWS else []
    notes += _note("all: ", [f"{key} {rows[0][key] or '{}'}" for key in same], width)
    notes += _note("not shown: ", keys[count:], width)
    return _drawn(_columns(labels, rows, keys[:count], width), width) + notes


def _common(rows: list[Row]) -> list[str]:
    """The keys that have the same value in all rows, if those are not all keys."""
    same = [key for key, value in rows[0].items() if all(row[key] == value for row in rows)]
    return same if len(same) < len(rows[0]) else []


def _labelled_rows(keys: list[str], values: list[str]) -> tuple[list[str], list[Row]]:
    """The dicts among the values, or those in lists there; and for each its key, if it is the first one."""
    if rows := _rows(values):
        return keys, rows
    labels = []
    for key, value in zip(keys, values, strict=True):
        group = _rows(elements_of(value))
        if not group or (rows and group[0].keys() != rows[0].keys()):
            return [], []
        rows += group
        labels += [key, *[""] * (len(group) - 1)]
    return labels, rows


def _rows(elements: list[str]) -> list[Row]:
    """The elements as dicts, if all have the same two keys or more, and a number in each."""
    rows: list[Row] = []
    for element in elements:
        row = _dict(elements_of(element))
        like_others = not rows or row.keys() == rows[0].keys()
        if len(row) < 2 or not like_others or not any(map(_NUMBER.fullmatch, row.values())):
            return []
        rows.append(row)
    return rows


# -- columns ---------------------------------------------------------------------------------------------


def _columns(labels: list[str], rows: list[Row], keys: list[str], width: int) -> list[list[str]]:
    """The cells of the labels, if there are some, and of each key, with what stands above them."""
    widest = min(_WIDEST_CELL, width // 2)
    columns = [_column(key, [_cell(row[key], widest) for row in rows[:_MOST_ROWS]]) for key in keys]
    if not labels:
        return columns
    room = width - sum(get_cwidth(cells[0]) + 1 for cells in columns)
    return [_column("", [_shortened(label, max(room, widest)) for label in labels[:_MOST_ROWS]]), *columns]


def _fitting(labels: list[str], rows: list[Row], keys: list[str], width: int) -> int:
    """How many of the keys fit into lines of the width."""
    columns = _columns(labels, rows, keys[: width // 2], width)  # each takes two characters or more
    ends = list(accumulate(get_cwidth(cells[0]) + 1 for cells in columns))
    return max(0, sum(end - 1 <= width for end in ends) - bool(labels))


def _column(key: str, values: list[str]) -> list[str]:
    """The key and the texts of its values, all as wide, numbers with their points in line."""
    numbers = all(_NUMBER.fullmatch(value) for value in values if value)
    cells = [key, *(_with_points_in_line(values) if numbers else values)]
    width = max(map(get_cwidth, cells))
    blanks = [" " * (width - get_cwidth(cell)) for cell in cells]
    return [blank + cell if numbers else cell + blank for cell, blank in zip(cells, blanks, strict=True)]


def _with_points_in_line(numbers: list[str]) -> list[str]:
    """The numbers with blanks behind those with fewer digits after the point, as they stand at the right."""
    behind = [len(number) - len(number.partition(".")[0]) for number in numbers]
    return [
        number if number.lstrip("-") in ("Inf", "NaN") else number + " " * (max(behind) - length)
        for number, length in zip(numbers, behind, strict=True)
    ]


def _cell(value: str, widest: int) -> str:
    """A value as it fits into a table: of a broken number three digits, or those before its point."""
    if not _NUMBER.fullmatch(value) or value.lstrip("-").isdigit() or not math.isfinite(float(value)):
        return _cut(value, widest)
    number = float(value)
    return f"{number:.0f}" if 99.95 <= abs(number) < 1e9 else f"{number:#.3g}"


def _shortened(label: str, width: int) -> str:
    """A name without its middle, where it is too long: others begin, or end, in the same way."""
    if get_cwidth(label) <= width:
        return label
    half = (width - 3) // 2
    tail = _beginning(label[::-1], half)[::-1]
    return f"{_beginning(label, width - 3 - half).rstrip('.')}...{tail.lstrip('.')}"


def _drawn(columns: list[list[str]], width: int) -> list[str]:
    """The columns beside each other, with two blanks between them, or one where that is too wide."""
    for gap in ("  ", " "):
        lines = [gap.join(cells) for cells in zip(*columns, strict=True)]
        if get_cwidth(lines[0]) <= width:
            break
    return [line.rstrip() for line in lines]


def _note(start: str, words: list[str], width: int) -> list[str]:
    """The words with commas between them, in lines of the width; no line if there are none."""
    text = start + ", ".join(word.replace(" ", _BOUND) for word in words)
    lines = textwrap.wrap(
        text,
        width,
        subsequent_indent=_INDENT,
        break_on_hyphens=False,
        max_lines=_MOST_NOTES,
        placeholder=" ...",
    )
    return [_cut(line.replace(_BOUND, " "), width) for line in lines] if words else []


def _cut(text: str, width: int) -> str:
    if get_cwidth(text) <= width:
        return text
    return _beginning(text, width - 4) + " ..."


def _beginning(text: str, width: int) -> str:
    """As much of a text as is no wider than that."""
    ends = takewhile(lambda end: end <= width, accumulate(map(get_cwidth, text)))
    return text[: sum(1 for _ in ends)]


def padded(text: str, width: int) -> str:
    return text + " " * (width - get_cwidth(text))
