"""What the prompt shows of a result."""

from pybridge.handles import HandleTable
from pybridge.summary import summary
from pybridge.tcl_list import join_list, split_list

_MOST_CHARACTERS = 10_000
_MOST_LINES = 20
_LONGEST_LIST = 1_000_000  # characters of a result that begins with a handle, in which more are looked for


def echo(result: str, table: HandleTable) -> str:
    """A line for each handle that the result is a list of, or for each key of a dict with a handle in it.

    Another result is as it is, if not too long.
    """
    elements = _elements(result, table)
    if elements and all(element in table.objects for element in elements):
        return _lines([("", name) for name in elements], "handles", table)
    pairs = list(zip(elements[::2], elements[1::2], strict=False))
    if _is_dict(elements) and any(value in table.objects for _, value in pairs):
        return _lines(pairs, "keys", table)
    if len(result) <= _MOST_CHARACTERS:
        return result
    note = f'... the first {_MOST_CHARACTERS} of {len(result)} characters; "puts" shows all'
    return f"{result[:_MOST_CHARACTERS]}\n{note}"


def _elements(result: str, table: HandleTable) -> list[str]:
    """The elements of the result, if it is a list that may have handles in it."""
    if result in table.objects:
        return [result]
    first = result[:64].split(None, 1)
    if len(result) > (_LONGEST_LIST if first and first[0] in table.objects else _MOST_CHARACTERS):
        return []
    try:
        return split_list(result)
    except ValueError:
        return []


def _is_dict(elements: list[str]) -> bool:
    keys = elements[::2]
    return len(elements) % 2 == 0 and len(set(keys)) == len(keys)


def _lines(pairs: list[tuple[str, str]], what: str, table: HandleTable) -> str:
    """Labels and values, and what the handles among these name."""
    shown = [
        (join_list([label]) if label else "", join_list([value])) for label, value in pairs[:_MOST_LINES]
    ]
    margin = max(len(label) for label, _ in shown)
    width = max((len(value) for _, value in shown if value in table.objects), default=0)
    lines = []
    for label, value in shown:
        words = [label.ljust(margin)] if margin else []
        words += [value.ljust(width), _summary(table.objects[value])] if value in table.objects else [value]
        lines.append("  ".join(words))
    if len(pairs) > len(shown):
        lines.append(f"... and {len(pairs) - len(shown)} more {what}")
    return "\n".join(lines)


def _summary(value: object) -> str:
    """The summary, or why there is none: whatever PyTorch refuses must not hide that the command worked."""
    try:
        return summary(value)
    except Exception as error:
        return f"({str(error).partition(chr(10))[0] or type(error).__name__})"
