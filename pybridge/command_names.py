"""Which command was meant by a name that none has."""

import re
from collections import Counter

from pybridge.errors import MOST_MEANT, meant
from pybridge.nearest import LONGEST_WORD, nearest, words_of
from pybridge.registry import BY_NAME, COMMANDS, families
from pybridge.search import commands_about

_SHORT = 3  # letters; as the beginning of a word, they say little
_FEW = 5  # commands; a word of more says little, too
_CALL = re.compile(r"torch::(\w+)")


def meant_command(name: str, prefix: str = "") -> str:
    """The end of a message: the commands that `name` may stand for, and where there are more.

    If no name is near to it, the help of some may have its words: `tensor_transpose` is `tensor_permute`.

    Args:
        prefix: what the names need in front of them where the user has written `name`.
    """
    near = nearest(name, _most_used_first())
    parts = [meant([prefix + each for each in near])] if near else []
    listed = len(near) > MOST_MEANT and near[0].startswith(name)  # as `torch::help` finds names
    if listed or name in families():
        parts.append(f"torch::help {name} lists {'more' if near else 'commands'}")
    if not parts:
        words = _words_of_help(name)
        parts.append(f"torch::apropos {words} lists commands" if words else "torch::help lists all commands")
    return f" ({' '.join(parts)})"


def _words_of_help(name: str) -> str:
    """The words of a name, if the help of some command has them; the first may be that of many names."""
    if len(name) > LONGEST_WORD:
        return ""
    words = list(dict.fromkeys(words_of(name)))
    if words and any(each.startswith(f"{words[0]}_") for each in COMMANDS):
        del words[0]
    if not words or any(len(each) <= _SHORT for each in words):
        return ""
    return " ".join(words) if 0 < len(commands_about(words)) <= _FEW else ""


def _most_used_first() -> list[str]:
    """All names of commands; those first that examples call most, which a beginner needs."""
    uses = Counter(name for command in COMMANDS.values() for name in _CALL.findall(command.doc))
    return sorted(BY_NAME, key=lambda name: -uses[BY_NAME[name].name])
