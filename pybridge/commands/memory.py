"""Commands on the handles themselves: what is alive, and what is freed when."""

from pybridge.annotations import Handle, Handles
from pybridge.handles import HandleTable
from pybridge.registry import command, tcl_command
from pybridge.summary import summary
from pybridge.tcl_list import glob_match


@command()
def free(table: HandleTable, *handle: Handles) -> None:
    """Free handles and what they name; all of them, or none when one is not live.

    What is forgotten, and in no scope, keeps its memory: a leak, which `handles` shows.

    Args:
        handle: live handles of any kind, lists of them, and dicts with handles among their values, such as
            `quantize_integers` returns; there may be none. Lists and dicts may be nested, but in a dict with
            handles other dicts and texts are passed over.

    Returns:
        Nothing.

    Errors:
        TORCH HANDLE, for a handle that does not exist, was freed or is given twice (in one dict it may be).

    Example:
        set x [torch::ones {2 2}]
        set q [torch::quantize_integers $x 4]
        torch::free $x $q
        torch::handles
        => {}
    """
    table.free(name for names in handle for name in names)


@command()
def handles(table: HandleTable, pattern: str = "*", details: bool = False) -> list[str] | str:
    """List the live handles, oldest first; `torch::free [torch::handles]` drops them all.

    Args:
        pattern: only those that match it, as in `string match`.
        details: with 1 a line for each, to read: bytes, dtype and shape.

    Returns:
        A list of handles, or text. A handle that views the memory of an earlier one counts no bytes.

    Example:
        torch::ones {2}
        llength [torch::handles tensor*]
        => 1
    """
    names = [name for name in table.objects if glob_match(pattern, name)]
    return _described(table, set(names)) if details else names


def _described(table: HandleTable, names: set[str]) -> str:
    """A line for each of these handles."""
    first: dict[int, str] = {}
    rows = []
    for name, value in table.objects.items():
        address, size = table.storages.of(value) or (0, 0)
        owner = first.setdefault(address, name) if address else name
        if name in names:
            rows.append((name, f"{size:,} bytes" if owner == name else f"on {owner}", value))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)] if rows else []
    return "\n".join(
        f"{name:{widths[0]}}  {size:>{widths[1]}}  {summary(value, statistics=False)}"
        for name, size, value in rows
    )


@command()
def keep(table: HandleTable, handle: Handle) -> str:
    """Take a handle out of every open scope and away from its `local` variable: only `free` frees it.

    Args:
        handle: a live handle.

    Returns:
        The handle.

    Example:
        torch::scope {set x [torch::keep [torch::ones {2}]]; expr 0}
        torch::tensor_to_list $x
        => 1.0 1.0
    """
    table.keep(handle)
    return handle


@command()
def memory(table: HandleTable) -> dict[str, int]:
    """Count handles and the bytes behind them.

    Where `live` grows each time that a script runs, the script leaks; `handles` lists what it has left.

    Returns:
        A dict: `live` handles; `bytes` of memory they hold, each storage counted once however many handles
        view it, and what observers keep; `peak_bytes`, the most there were; handles `created` and `freed`.

    Example:
        set x [torch::ones {256}]
        set view [torch::tensor_reshape $x {16 16}]
        dict get [torch::memory] bytes
        => 1024
    """
    return {
        "live": len(table.objects),
        "bytes": table.storages.bytes,
        "peak_bytes": table.storages.peak_bytes,
        "created": table.created,
        "freed": table.freed,
    }


tcl_command(
    __name__,
    "scope",
    "body",
    """Run a script and free what it created, by whichever way it ends.

    A handle that the last command returns is the body's result, and stays: where nothing is to stay, as in a
    loop, end with a command such as `list`.

    Args:
        body: runs in the caller's frame; return, break, continue and errors pass through. Handles in its
            result move to the enclosing scope, or stay alive when there is none; `keep` saves others.

    Returns:
        The result of the body.

    Example:
        torch::scope {
            set x [torch::ones {2}]
            torch::tensor_to_list [torch::tensor_add $x $x]
        }
        => 2.0 2.0
    """,
)
tcl_command(
    __name__,
    "local",
    "name value",
    """Set a local variable to a handle that is freed when the variable is overwritten or goes away.

    Args:
        name: the variable; an element of an array will do.
        value: a live handle. `return $x` hands out a dead one: use `keep`.

    Returns:
        The handle.

    Errors:
        TORCH ARG VALUE name, outside a procedure or for a variable that is not local to it.

    Example:
        proc total {values} {
            torch::local x [torch::tensor_create $values]
            torch::local sum [torch::tensor_sum $x]
            return [torch::tensor_item $sum]
        }
        total {1 2 3}
        => 6.0
    """,
)
