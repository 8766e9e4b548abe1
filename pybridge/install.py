"""How the Tcl package gets into an interpreter of tkinter's."""

from collections.abc import Callable
from typing import Any

from pybridge import __version__, children, file_names
from pybridge.bulk import Bulk
from pybridge.commands import about
from pybridge.dispatch import OK, Dispatcher, Reply
from pybridge.package import command_list
from pybridge.tcl_package import tcl_package

# The Tcl commands that call Python. The last is for `exit`, which outlives the namespace of the package.
CALLBACKS = ("::torch::_::dispatch", "::torch::_::take_bulk", "::torch::_::cancel_again", "::tcl::torch_end")
_RETURN_REPLY = """
    lassign [%s {*}$args] status value options
    return -code $status {*}$options $value
"""


def install(
    tk: Any,
    dispatcher: Dispatcher,
    payload: Callable[[], bytes],
    end: Callable[[int], None],
    cancel_again: Callable[[], None],
) -> None:
    """Make the commands of the package. None of the functions may hold the interpreter, which holds them.

    Args:
        tk: an interpreter of tkinter's.
        dispatcher: what runs the commands.
        payload: takes the bytes that the Tcl side has packed.
        end: does what `exit` does, with a status.
        cancel_again: called when Tcl has dropped the error that a cancel is.
    """

    def take_bulk(index: str, form: str, shape: str, chain: str, called: str, *words: Any) -> Reply:
        try:
            bulk = Bulk(payload(), form, tuple(map(int, shape.split())))
            words = (*words[: int(index)], bulk, *words[int(index) + 1 :])
        except BaseException as error:
            return dispatcher.failed(error)
        return dispatcher(chain, called, *words)

    def reply_to_end(status: str) -> Reply:
        try:
            end(int(status))
        except BaseException as error:
            return dispatcher.failed(error)
        return OK, "", ()

    children.prepare()
    tk.eval("namespace eval ::torch::_ {}")
    # the bound method, which Python calls sooner than an object that has a `__call__`
    callbacks = (dispatcher.__call__, take_bulk, cancel_again, reply_to_end)
    for name, callback in zip(CALLBACKS, callbacks, strict=True):
        tk.createcommand(name, callback)
    tk.setvar("::torch::_::version", __version__)
    tk.setvar("::torch::_::commands", command_list())
    tk.call("lappend", "::auto_path", tcl_package())
    tk.call("source", "-encoding", "utf-8", tcl_package("torch.tcl"))
    patch_level = tk.eval("info patchlevel")
    file_names.follow(tk.call("encoding", "system"), patch_level)
    about.host_facts.setdefault("Tcl", patch_level)
    about.host_facts.setdefault("runs in", "with Tcl")


def take_payload(tk: Any) -> bytes:
    """The bytes that the Tcl side has packed: a variable of the procedure that asks for them to be taken."""
    data = tk.getvar("bytes")
    # a trace of steps, as a debugger sets, makes a text of each word
    return data if isinstance(data, bytes) else str(data).encode("latin-1")


def define(tk: Any, dispatcher: Dispatcher, name: str, function: Callable[..., str]) -> list[str]:
    """Make `::torch::_::name` call a function of texts. What it raises is an error of Tcl's.

    Returns:
        The names of the Tcl commands that hold the function.
    """

    def reply(*words: str) -> Reply:
        try:
            return OK, function(*words), ()
        except BaseException as error:
            return dispatcher.failed(error)

    holding = f"::torch::_::{name}_reply"
    tk.createcommand(holding, reply)
    tk.call("proc", f"::torch::_::{name}", "args", _RETURN_REPLY % holding)
    return [holding]
