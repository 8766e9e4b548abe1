"""How far in a line of a script begins."""

import re

STEP = "    "  # as the Tcl style guide has it, and Tcl's own library
_BRACES = re.compile(r"\\.|[{}]", re.DOTALL)


def after(line: str) -> str:
    """The margin of what follows `line`: a step more if that ends with an open brace."""
    return _of(line) + STEP if line.rstrip().endswith("{") else _of(line)


def of_closing_brace(text: str) -> str | None:
    """That for a closing brace behind `text`: of the line with the brace that it closes, if there is one."""
    open_braces: list[int] = []
    for match in _BRACES.finditer(text):
        if match[0] == "{":
            open_braces.append(match.start())
        elif match[0] == "}" and open_braces:
            open_braces.pop()
    if not open_braces:
        return None
    return _of(text[text.rfind("\n", 0, open_braces[-1]) + 1 :])


def _of(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
