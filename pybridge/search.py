"""Commands found by what their help says."""

import re
from collections.abc import Iterable
from functools import cache
from itertools import accumulate

from pybridge.documentation import choices, documentation, lead, prose, purpose
from pybridge.registry import COMMANDS, Command
from pybridge.tcl_list import snake_case


def commands_about(words: Iterable[str]) -> list[Command]:
    """The commands whose help has all these words, those first that have them in their names.

    See `torch::apropos` for the places in which they are looked for, and their order.
    """
    wanted = [re.compile(_beginning_of_a_word(each)) for each in words]
    misses = {each.name: _misses_by_place(wanted, each) for each in COMMANDS.values()}
    found = [each for each in COMMANDS.values() if not misses[each.name][-1]]
    if not found:  # the words of an example are about something else, but may be all that there is
        examples = {each.name: documentation(each).example.lower() for each in COMMANDS.values()}
        found = [
            each for each in COMMANDS.values() if all(word.search(examples[each.name]) for word in wanted)
        ]
    return sorted(found, key=lambda each: (misses[each.name], each.name))


def _beginning_of_a_word(part: str) -> str:
    """What matches it in text of lower case; an underscore is between words."""
    return rf"(?<![^\W_])(?:{re.escape(part.lower())}|{re.escape(snake_case(part))})"


def _misses_by_place(wanted: list[re.Pattern[str]], command: Command) -> list[int]:
    """How many are not in the names; how many neither there nor in the lead; and so on, place by place."""
    return [sum(not each.search(text) for each in wanted) for text in _texts(command.name)]


@cache
def _texts(name: str) -> list[str]:
    """What there is to search of a command, in lower case, each with what comes before it."""
    command = COMMANDS[name]
    names = "\n".join(map(snake_case, command.names))
    places = (
        names,
        lead(command),
        "\n".join([prose(command), *choices(command)]),
        "\n".join(purpose(command.family)),
    )
    return list(accumulate(f"\n{place.lower()}" for place in places))
