"""What kills the groups of processes of a pytest that is killed itself, or crashes, and cannot.

It is a shell, which finds that pytest has ended when nobody can write to its standard input any more. That
the kernel kill them (PR_SET_PDEATHSIG) would have to be asked for in a fork of pytest: where a test has
imported PyTorch, a fork takes 15 ms, and only the process itself would be killed, not what it has started.
"""

import atexit
import contextlib
import functools
import os
from io import FileIO

_SCRIPT = """# when pytest has ended, kills its Tcl processes and what they have started
groups=" "
while read -r word group; do
    case $word in
        watch) groups="$groups$group " ;;
        leave) groups="${groups%% $group *} ${groups#* $group }" ;;
    esac
done
for group in $groups; do
    kill -s KILL -- "-$group"
done
"""


def watch(group: int) -> None:
    """Have all processes of a group killed when this process ends."""
    _tell("watch", group)


def leave(group: int) -> None:
    """Watch a group no longer; to be said while no other process can have its number."""
    _tell("leave", group)


def _tell(word: str, group: int) -> None:
    with contextlib.suppress(OSError):  # it cannot be started, or was killed: tests go on without it
        _shell(os.getpid()).write(f"{word} {group}\n".encode())


@functools.cache
def _shell(process: int) -> FileIO:
    """What to write to the shell of this process; a fork of pytest, as of pytest-forked, has its own."""
    reads, writes = os.pipe()
    with FileIO(reads), contextlib.ExitStack() as stack:
        stream = stack.enter_context(FileIO(writes, "w"))
        files = [
            (os.POSIX_SPAWN_DUP2, reads, 0),
            *((os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)),
        ]
        # a group of its own: Ctrl-C does not end it
        os.posix_spawnp("sh", ["sh", "-c", _SCRIPT], os.environ, file_actions=files, setpgroup=0)
        stack.pop_all()
    os.register_at_fork(after_in_child=stream.close)  # or a fork that outlives pytest would keep it open
    atexit.register(stream.close)
    return stream
