"""What kills the groups of processes of a pytest that is killed itself, or crashes, and cannot.

It is a shell, which finds that pytest has ended when nobody can write to its standard input any more. That
the kernel kill them (PR_SET_PDEATHSIG) would have to be asked for in a fork of pytest: where a test has
imported PyTorch, a fork takes 15 ms, and only the process itself would be killed, not what it has started.
"""

import atexit
import contextlib
import functools
import os
import subprocess
from io import FileIO

# In the background, so that it is no child of pytest's: a test may wait for all of those.
_SCRIPT = """# when pytest has ended, kills its Tcl processes and what they have started
exec 3<&0
{
    groups=" "
    while read -r word group; do
        case "$word$groups" in
            watch*) groups="$groups$group " ;;
            leave*" $group "*) groups="${groups%% $group *} ${groups#* $group }" ;;
        esac
    done
    for group in $groups; do
        kill -s KILL -- "-$group"
    done
} <&3 3<&- &
"""


def watch(group: int) -> None:
    """Have all processes of a group killed when this process ends."""
    _tell("watch", group)


def leave(group: int) -> None:
    """Watch a group no longer; to be said while no other process can have its number."""
    _tell("leave", group)


def _tell(word: str, group: int) -> None:
    # it cannot be started, was killed, or is left because this process ends: tests go on without it
    with contextlib.suppress(OSError, ValueError):
        _shell(os.getpid()).write(f"{word} {group}\n".encode())


@functools.cache
def _shell(process: int) -> FileIO:
    """What to write to the shell of this process; a fork of pytest, as of pytest-forked, has its own."""
    reads, writes = os.pipe()
    with FileIO(reads) as stdin, contextlib.ExitStack() as stack:
        stream = stack.enter_context(FileIO(writes, "w"))
        subprocess.run(
            ["sh", "-c", _SCRIPT],
            cwd="/",
            stdin=stdin,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C does not end it
            check=False,
        )
        stack.pop_all()
    os.register_at_fork(after_in_child=stream.close)  # or a fork that outlives pytest would keep it open
    atexit.register(stream.close)
    return stream
