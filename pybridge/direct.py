"""The short way to a function: for words that are all positional and right, as nearly all are.

The function that reads so many words of one command is written out and compiled, as `dataclasses` does it.
With a loop over parsers in its place, a small command takes a tenth longer.
"""

from collections.abc import Callable
from typing import Any

from pybridge.errors import TclError
from pybridge.handles import HandleTable
from pybridge.lazy import torch
from pybridge.signature import Signature
from pybridge.values import TENSOR_TYPE, Word

Runner = Callable[[tuple[Word, ...], str, HandleTable], Any]  # words, the name they were called by, handles

_SOURCE = """
def run(words, called, table):
    objects = table.objects
    try:
        {names} = words
        {reads}
        right = {right}
    except (LookupError, TypeError, ValueError, TclError):
        right = False  # an option, or a mistake: look closer
    return function({values}) if right else careful(words, called, table)
"""


def direct(function: Callable[..., Any], signature: Signature, count: int, careful: Runner) -> Runner:
    """What calls `function` with the values of `count` words.

    Args:
        careful: does the same for words of any kind, and tells what is wrong with them.
    """
    types = {f"value{place}": each.type for place, each in enumerate(signature.parameters[:count])}
    rest = {"rest": signature.variadic.type} if signature.variadic and count > len(types) else {}
    if count < signature.required or (count > len(types) and not rest):
        return careful
    if any(each.free for each in (types | rest).values()):
        return careful  # it would read an option as a value
    names = [*types, *("*rest" for _ in rest)]
    reads = [
        f"{name} = objects[{name}]" if each is TENSOR_TYPE else f"{name} = parse_{name}({name}, table)"
        for name, each in types.items()
    ]
    reads += ["rest = [parse_rest(word, table) for word in rest]" for _ in rest]
    tensors = [f"type({name})" for name, each in types.items() if each is TENSOR_TYPE]
    source = _SOURCE.format(
        names=f"[{', '.join(names)}]",
        reads="; ".join(reads) or "pass",
        right=" is ".join([*tensors, "torch.Tensor"]) if tensors else "True",
        values=", ".join(["table"] * signature.takes_table + names),
    )
    known: dict[str, Any] = {f"parse_{name}": each.parse for name, each in (types | rest).items()}
    known |= {"function": function, "careful": careful, "TclError": TclError, "torch": torch}
    exec(compile(source, f"<{function.__name__} of {count} words>", "exec"), known)
    run: Runner = known["run"]
    return run
