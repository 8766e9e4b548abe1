"""The dispatcher: words in, (status, value, return options) out.

It knows nothing of tkinter, of Tcl variables or of scripts, so that it can stand behind a pipe as well.
"""

from collections.abc import Callable
from typing import Any

import pybridge.commands  # noqa: F401  # registers them
from pybridge import errors
from pybridge.bulk import Bulk
from pybridge.command_names import meant_command
from pybridge.handles import MAIN, TENSOR, HandleTable
from pybridge.lazy import torch
from pybridge.registry import BY_NAME
from pybridge.values import Word
from pybridge.widgets import Picture

OK, ERROR, BULK, PICTURE = 0, 1, 2, 3
# Need no torch to be told apart.
_PLAIN = {str, int, float, bool, dict, tuple, list, type(None), Bulk, Picture}

Reply = tuple[int, Any, tuple[Any, ...]]  # status, value, options for Tcl's `return`
_LAST_RESORT: Reply = (ERROR, "internal error", ("-errorcode", ("TORCH", "BUG", "unknown")))


class Dispatcher:
    """Runs commands on one table of handles.

    Args:
        encode: makes of texts, alone or in tuples, what the transport can carry.
        table: another dispatcher's, to share its handles.
    """

    def __init__(
        self, encode: Callable[[Any], Any] = lambda value: value, table: HandleTable | None = None
    ) -> None:
        self.table = HandleTable() if table is None else table
        self.main = MAIN  # the chain of what calls from no coroutine
        self._commands = BY_NAME
        self._encode = encode

    def close(self) -> None:
        """Free every handle; from now on each command is an error."""
        self._commands = {}
        self.table.close()

    def __call__(self, chain: str, called: str, *words: Word) -> Reply:
        """Run the command registered as `called` for the chain of calls `chain`. Never raises."""
        try:
            table, chain = self.table, chain or self.main
            current = table.chain if chain == table.chain.name else table.enter_chain(chain)
            command = self._commands.get(called)
            if command is None:
                return OK, self._keep_books(called, words), ()
            run = command.runners[len(words)]
            if table.grad_enabled and not current.no_grad:
                value = run(words, called, table)
            else:
                with torch.no_grad():
                    value = run(words, called, table)
            kind = type(value)
            if kind is int or kind is float:
                return OK, value, ()
            if kind not in _PLAIN and isinstance(value, torch.Tensor):
                return OK, table.add(TENSOR, value), ()
            if kind is Bulk:
                return BULK, self._encode((value.data, value.format, value.shape)), ()
            if kind is Picture:
                return PICTURE, self._encode((value.widget, value.png)), ()
            return OK, self._encode(self._result(value)), ()
        except BaseException as error:  # nothing may reach Tcl's C code, not even SystemExit
            return self.failed(error)

    def failed(self, error: BaseException) -> Reply:
        """The reply that tells of an exception. Never raises."""
        try:
            refusal = errors.from_exception(error)
            trace = ("-errorinfo", refusal.errorinfo) if refusal.errorinfo else ()
            return ERROR, *self._encode((refusal.message, ("-errorcode", refusal.errorcode, *trace)))
        except BaseException:  # an exception that cannot even be shown, or no memory to do it
            return _LAST_RESORT

    def _keep_books(self, called: str, words: tuple[Any, ...]) -> int | str:
        """What the Tcl procedures that run scripts tell about scopes, variables and chains of calls."""
        table = self.table
        match called:
            case "_scope_begin":
                return table.open_scope(*map(int, words))
            case "_scope_end":
                table.close_scope(int(words[0]), words[1:])
            case "_local_begin":
                return table.own_locally(words[0])
            case "_local_end":
                table.release_local(words[0], int(words[1]))
            case "_local_forget":
                table.forget_local(words[0], int(words[1]))
            case "_no_grad_begin":
                return table.begin_no_grad(*map(int, words))
            case "_no_grad_end":
                table.end_no_grad(int(words[0]))
            case "_wait_begin":
                table.start_waiting()
            case "_wait_end":
                table.stop_waiting()
            case "_coroutine_begin":
                table.start_chain(words[0])
            case "_coroutine_renamed":
                table.rename_chain(words[0], words[1])
            case "_no_subcommand":
                raise errors.unknown_subcommand(words[0], meant_command(words[0]))
            case _:
                raise KeyError(called) if self._commands else errors.closed()
        return ""

    def _result(self, value: Any) -> Any:
        """`value` with a handle for each object in it; all of them or, on an error, none."""
        made: list[str] = []
        try:
            return self._encoded(value, made)
        except BaseException:
            self.table.free(made)
            raise

    def _encoded(self, value: Any, made: list[str]) -> Any:
        if value is None:
            return ""
        if isinstance(value, bool):
            return int(value)
        if isinstance(value, str | int | float):
            return value
        if isinstance(value, dict):
            return tuple(self._encoded(each, made) for pair in value.items() for each in pair)
        if isinstance(value, tuple | list):
            return tuple(self._encoded(each, made) for each in value)
        made.append(self.table.add(_kind_of(value), value))
        return made[-1]


def _kind_of(value: Any) -> str:
    kind = getattr(value, "handle_kind", "")
    if kind:
        return str(kind)
    if isinstance(value, torch.Tensor):
        return TENSOR
    raise TypeError(f"a command returned a {type(value).__name__}, which has no Tcl form")
