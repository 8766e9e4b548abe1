"""Lists of dicts, and dicts in dicts, as tables: a line for each dict, a column for each key."""

import re
import textwrap

from pybridge.tcl_list import join_list, split_list

_LONGEST = 200_000  # characters of a result that is looked at
_MOST_LINES = 20
_WIDEST_CELL = 48
_INDENT = "  "
_MORE = '... and {} more{}; "puts" shows all'
_BOUND = "\N{NO-BREAK SPACE}"
_KEY = re.compile(r"[A-Za-z_]\w*")  # as in dicts that commands return; not all words of a text are like that
_NUMBER = re.compile(r"-?\d+(\.\d+)?(e[-+]?\d+)?")


def layout(result: str, width: int) -> str | None:
    """Dicts in a list, or in another dict, as a table; another dict with a line or a table for each key.

    None if the result is neither, and if it fits into a line of `width` characters.
    """
    if not width < len(result) <= _LONGEST or not result.isprintable():
        return None
    elements = _elements(result)
    lines = _table(elements, width) or _lines_of_keys(elements, width)
    return "\n".join(lines) if lines and join_list(elements) == result else None  # text is written otherwise


def _elements(text: str) -> list[str]:
    try:
        return split_list(text)
    except ValueError:
        return []


def _dict(elements: list[str]) -> dict[str, str]:
    """The elements as a dict, if the keys are such as commands use."""
    pairs = dict(zip(elements[::2], elements[1::2], strict=False))
    return pairs if 2 * len(pairs) == len(elements) and all(map(_KEY.fullmatch, pairs)) else {}


def _lines_of_keys(elements: list[str], width: int) -> list[str]:
    pairs = _dict(elements)
    tables = {key: _table(_elements(value), width - len(_INDENT)) for key, value in pairs.items()}
    if not any(tables.values()) and not any(map(_NUMBER.fullmatch, pairs.values())):
        return []
    shown = list(pairs)[:_MOST_LINES]
    margin = max(map(len, shown))
    lines = []
    for key in shown:
        if tables[key]:
            lines += [key, *(_INDENT + line for line in tables[key])]
        else:
            lines.append(_cut(f"{key:{margin}}  {pairs[key] or '{}'}", width))
    if len(pairs) > len(shown):
        lines.append(_cut(_MORE.format(len(pairs) - len(shown), " keys"), width))
    return lines


# -- tables ----------------------------------------------------------------------------------------------


def _table(elements: list[str], width: int) -> list[str]:
    """A table for a list of dicts with the same keys, for a dict of such dicts, or of lists of them."""
    labels: list[str] = []
    rows = _rows(elements)
    if not rows and len(elements) % 2 == 0:
        labels, rows = _labelled_rows(elements[::2], elements[1::2])
    if not rows:
        return []
    widest = min(_WIDEST_CELL, width // 2)
    left = [_column("", labels[:_MOST_LINES], widest)] if labels else []
    columns = {key: _column(key, [row[key] for row in rows[:_MOST_LINES]], widest) for key in rows[0]}
    notes = [_cut(_MORE.format(len(rows) - _MOST_LINES, ""), width)] if len(rows) > _MOST_LINES else []
    same = [key for key, value in rows[0].items() if all(row[key] == value for row in rows)]
    if len(same) < len(columns) and not _drawn([*left, *columns.values()], width):
        columns = {key: cells for key, cells in columns.items() if key not in same}
        notes += _wrapped("all: ", [f"{key} {rows[0][key] or '{}'}" for key in same], width)
    left_out: list[str] = []
    while columns and not (lines := _drawn([*left, *columns.values()], width)):
        left_out.insert(0, columns.popitem()[0])
    return lines + notes + _wrapped("not shown: ", left_out, width) if columns else []


def _labelled_rows(keys: list[str], values: list[str]) -> tuple[list[str], list[dict[str, str]]]:
    """The dicts among the values, or those in lists there; and for each its key, if it is the first one."""
    if rows := _rows(values):
        return keys, rows
    labels = []
    for key, value in zip(keys, values, strict=True):
        group = _rows(_elements(value))
        if not group or (rows and group[0].keys() != rows[0].keys()):
            return [], []
        rows += group
        labels += [key, *[""] * (len(group) - 1)]
    return labels, rows


def _rows(elements: list[str]) -> list[dict[str, str]]:
    """The elements as dicts, if all have the same two keys or more, and a number in each."""
    rows: list[dict[str, str]] = []
    for element in elements:
        row = _dict(_elements(element))
        like_others = not rows or row.keys() == rows[0].keys()
        if len(row) < 2 or not like_others or not any(map(_NUMBER.fullmatch, row.values())):
            return []
        rows.append(row)
    return rows


def _column(key: str, values: list[str], widest: int) -> list[str]:
    """The key and its values, all in as many characters, numbers with their last digits in line."""
    cells = [key, *(_cell(value, widest) for value in values)]
    width = max(map(len, cells))
    numbers = all(_NUMBER.fullmatch(value) for value in values if value)
    return [cell.rjust(width) if numbers else cell.ljust(width) for cell in cells]


def _cell(value: str, widest: int) -> str:
    """A value as it fits into a table: of a broken number three digits, or those before its point."""
    if not _NUMBER.fullmatch(value) or value.lstrip("-").isdigit():
        return _cut(value, widest)
    number = float(value)
    return f"{number:.0f}" if 100 <= abs(number) < 1e6 else f"{number:#.3g}"


def _drawn(columns: list[list[str]], width: int) -> list[str]:
    """The columns beside each other, with two blanks between them or one; none where they are too wide."""
    for gap in ("  ", " "):
        lines = [gap.join(cells) for cells in zip(*columns, strict=True)]
        if lines and len(lines[0]) <= width:
            return [line.rstrip() for line in lines]
    return []


def _wrapped(start: str, words: list[str], width: int) -> list[str]:
    """The words with commas between them, in lines of the width; no line if there are none."""
    text = start + ", ".join(word.replace(" ", _BOUND) for word in words)
    lines = textwrap.wrap(text, width, subsequent_indent=_INDENT, break_on_hyphens=False)
    return [line.replace(_BOUND, " ") for line in lines] if words else []


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(0, width - 4)] + " ..."
