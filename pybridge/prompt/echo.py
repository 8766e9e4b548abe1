"""What the prompt shows of a result."""

from pybridge.handles import HandleTable
from pybridge.summary import summary
from pybridge.tcl_list import split_list

_MOST_CHARACTERS = 10_000
_MOST_HANDLES = 20
_LONGEST_LIST = 1_000_000  # characters of a result in which handles are looked for


def echo(result: str, table: HandleTable) -> str:
    """A line for each handle that the result is a list of; another result as it is, if not too long."""
    names = _handles(result, table)
    if names:
        return "\n".join(_lines(names, table))
    if len(result) <= _MOST_CHARACTERS:
        return result
    note = f'... the first {_MOST_CHARACTERS} of {len(result)} characters; "puts" shows all'
    return f"{result[:_MOST_CHARACTERS]}\n{note}"


def _handles(result: str, table: HandleTable) -> list[str]:
    """The elements of the result, if it is a list of live handles."""
    if result in table.objects:
        return [result]
    first = result[:64].split(None, 1)
    if not first or first[0] not in table.objects or len(result) > _LONGEST_LIST:
        return []
    try:
        elements = split_list(result)
    except ValueError:
        return []
    return elements if all(element in table.objects for element in elements) else []


def _lines(names: list[str], table: HandleTable) -> list[str]:
    shown = names[:_MOST_HANDLES]
    width = max(map(len, shown))
    lines = [f"{name.ljust(width)}  {_summary(table.objects[name])}" for name in shown]
    if len(names) > len(shown):
        lines.append(f"... and {len(names) - len(shown)} more handles")
    return lines


def _summary(value: object) -> str:
    """The summary, or why there is none: whatever PyTorch refuses must not hide that the command worked."""
    try:
        return summary(value)
    except Exception as error:
        return f"({str(error).partition(chr(10))[0] or type(error).__name__})"
