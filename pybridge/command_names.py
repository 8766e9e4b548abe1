"""Which command was meant by a name that none has."""

import re
from collections import Counter

from pybridge.errors import MOST_MEANT, meant
from pybridge.nearest import nearest
from pybridge.registry import BY_NAME, COMMANDS, families

_CALL = re.compile(r"torch::(\w+)")


def meant_command(name: str, prefix: str = "") -> str:
    """The end of a message: the commands that `name` may stand for, and where there are more.

    Args:
        prefix: what the names need in front of them where the user has written `name`.
    """
    near = nearest(name, _most_used_first())
    parts = [meant([prefix + each for each in near])] if near else []
    listed = len(near) > MOST_MEANT and near[0].startswith(name)  # as `torch::help` finds names
    if listed or name in families():
        parts.append(f"torch::help {name} lists {'more' if near else 'commands'}")
    return f" ({' '.join(parts)})" if parts else ""


def _most_used_first() -> list[str]:
    """All names of commands; those first that examples call most, which a beginner needs."""
    uses = Counter(name for command in COMMANDS.values() for name in _CALL.findall(command.doc))
    return sorted(BY_NAME, key=lambda name: -uses[BY_NAME[name].name])
