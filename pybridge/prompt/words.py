"""Where in a Tcl script the cursor is: in which command, in which of its words."""

import re
from dataclasses import dataclass, field

_NAME = r"[A-Za-z_]\w*"
_WORD = r"(?:\{[^{}]*\}|\"[^\"]*\"|(?:\[[^\]]*\]|[^\s\[{\"])+)"
_SETTING = re.compile(
    rf"\b(?:(?:set|incr|l?append|variable|gets +{_WORD})( +{_NAME})"
    rf"|(?:global|lassign +{_WORD})((?: +{_NAME})+))"
)
_BRACED = r"\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}"  # a default may be in braces, too
_BINDING = re.compile(  # what a body that follows knows
    rf"\b(?:foreach|lmap|dict +for|dict +map|proc +\S+) +(?:({_NAME})|({_BRACED}))"
)
_DEFAULT = re.compile(rf"\{{\s*({_NAME})(?:[^{{}}]|\{{[^{{}}]*\}})*\}}")  # a parameter that has one
_VARIABLE = re.compile(r"\$(?:\{(?P<braced>[^}]*)|(?P<plain>[\w:]*(?:\([^()]*)?))$")


@dataclass(frozen=True)
class Place:
    """What comes before the cursor, as far as its own command goes.

    Attributes:
        words: the finished words of the command, as they are written.
        word: the beginning of the word that the cursor is in.
        opened: the double quote or brace before that word; empty where there is none.
        value: where the cursor is in braces: its place if all in them is one word of the command around them.
    """

    words: tuple[str, ...]
    word: str
    opened: str = ""
    value: "Place | None" = None

    @property
    def variable(self) -> str | None:
        """What is written of the name of a variable after a dollar sign; None where there is none."""
        match = _VARIABLE.search(self.word)
        if match is None or _escaped(self.word, match.start()):
            return None
        return match["braced"] if match["braced"] is not None else match["plain"]

    @property
    def braced(self) -> bool:
        """Whether the name of the variable is in braces."""
        match = _VARIABLE.search(self.word)
        return match is not None and match["braced"] is not None


@dataclass
class _Frame:
    """A script, or what is between quotes, that is not closed yet."""

    kind: str
    words: list[str] = field(default_factory=list)
    start: int = -1  # of the word that is not finished; -1 between words


def place_at_end(text: str) -> Place | None:
    """Where a cursor behind `text` is; None in a comment."""
    frames = [_Frame("")]
    position = 0
    while position < len(text):
        frame = frames[-1]
        if frame.kind == '"':
            position = _step_in_quotes(text, position, frames)
        elif text[position] == "#" and not frame.words and frame.start < 0:
            position = _comment_end(text, position)
            if position < 0:
                return None
        else:
            position = _step_in_script(text, position, frames)
    frame = frames[-1]
    around = None
    if frame.kind in ('"', "{"):  # what is between braces may be a script, and is read as one
        outer = frames[-2]
        if text[outer.start] == frame.kind:  # not within a word
            around = Place(tuple(outer.words), text[outer.start + 1 :], frame.kind)
    if around and frame.kind == '"':
        return around
    return Place(tuple(frame.words), text[frame.start :] if frame.start >= 0 else "", value=around)


def variables_in(script: str) -> list[str]:
    """What a script that is being written has set, and what its loops and procedures bind."""
    names: dict[str, None] = {}
    for match in _BINDING.finditer(script):
        bound = match[1] or _DEFAULT.sub(r"\1", match[2][1:-1])
        names.update(dict.fromkeys(re.findall(_NAME, bound)))
    whole = max(script.rfind("\n"), script.rfind(";"), 0)  # the command behind it has set nothing yet
    for match in _SETTING.finditer(script, 0, whole):
        names.update(dict.fromkeys((match[1] or match[2]).split()))
    return list(names)


def _step_in_quotes(text: str, position: int, frames: list[_Frame]) -> int:
    character = text[position]
    if character == "\\":
        return position + 2
    if character == '"':
        frames.pop()
    elif character == "[":
        frames.append(_Frame("["))
    return position + 1


def _step_in_script(text: str, position: int, frames: list[_Frame]) -> int:
    frame, character = frames[-1], text[position]
    between = frame.start < 0
    if character in " \t\n;" or text.startswith("\\\n", position):
        if not between:
            frame.words.append(text[frame.start : position])
            frame.start = -1
        if character in "\n;":
            frame.words.clear()
        return position + (2 if character == "\\" else 1)
    if text.startswith("{*}", position) and text[position + 3 : position + 4].strip():
        return position + 3
    if character == {"[": "]", "{": "}"}.get(frame.kind):
        frames.pop()
        return position + 1
    if between:
        frame.start = position
    if character == "\\":
        return position + 2
    if text.startswith("${", position):
        end = text.find("}", position)
        return end + 1 if end >= 0 else len(text)
    if character == "[" or (character == "{" and (between or frame.kind == "{")):
        frames.append(_Frame(character))
    elif character == '"' and between:
        frames.append(_Frame('"'))
    return position + 1


def _comment_end(text: str, position: int) -> int:
    """Where the line ends that a comment is on; -1 when that is not there yet."""
    match = re.compile(r"(?:[^\\\n]|\\.)*\n", re.DOTALL).match(text, position)
    return match.end() if match else -1


def _escaped(text: str, position: int) -> bool:
    before = text[:position]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1
