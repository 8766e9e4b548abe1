"""Colours: of the script while it is typed, and of what the prompt says."""

from collections.abc import Iterator
from typing import Any

from prompt_toolkit.styles import Style
from pygments.lexers.tcl import TclLexer
from pygments.token import Comment, Name, String

from pybridge.registry import BY_NAME

# The terminal's own colours. Of xterm's eight only magenta and red reach a contrast of 3.5:1 on black and on
# white; cyan and green have 2:1 on white. Where prompt_toolkit's own style would shine through: noinherit.
STYLE = Style.from_dict(
    {
        "pygments.keyword": "bold",
        "pygments.name.builtin": "bold",
        "pygments.name.function": "bold ansimagenta",
        "pygments.literal.string": "ansired",
        "pygments.name.variable": "",
        "pygments.name.variable.global": "ansimagenta",
        "pygments.comment": "italic",
        "pygments.error": "",
        "failure": "bold ansired",
        "note": "italic",
        "completion-menu": "noreverse bg:default fg:default",
        "completion-menu.completion": "bg:default fg:default",
        "completion-menu.completion.current": "noinherit reverse",
        "completion-menu.meta.completion": "bg:default fg:default italic",
        "completion-menu.meta.completion.current": "noinherit reverse italic",
        "scrollbar.background": "bg:default",
        "scrollbar.button": "noinherit reverse",
    }
)


def _command_name(_: Any, match: Any) -> Iterator[tuple[int, Any, str]]:
    known = match[1] in BY_NAME
    yield match.start(), Name.Function if known else Name.Variable, match[0]


def _with_torch(state: str, rules: list[Any]) -> list[Any]:
    """The rules of Pygments; before them one for the package's commands, and one to tell variables apart."""
    # what looks for a brace without an end looks again at each dollar sign: no name is that long
    variable = (r"\$(?:\{[^}]{,100}\}|[\w:]+)", Name.Variable.Global)
    if state == "data":
        return [variable, (r"\\(?:.|\n)", String.Escape), *rules]  # Pygments knows a backslash only in quotes
    if state in ("string", "string-square"):
        return [variable, *rules]
    if state == "comment":
        return [*rules, (r".+", Comment, "#pop")]  # on the last line, which has no end while it is typed
    if not state.startswith("command"):
        return rules
    return [(r"(?:::)?torch::(\w+)", _command_name, "params" + state.removeprefix("command")), *rules]


class TorchTclLexer(TclLexer):
    """Pygments' Tcl, with the names of the package's commands; a mistyped one stays plain."""

    name = "Tcl with tcltorch"
    tokens = {state: _with_torch(state, rules) for state, rules in TclLexer.tokens.items()}  # noqa: RUF012
