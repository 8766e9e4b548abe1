"""Child interpreters get the commands of their parent by `package require torch`, and see the same handles.

Before that a child has nothing of the package but the way to it, so that it is as in any other Tcl. A safe
one has not even that: its parent gives it what it may use.
"""

import threading

from pybridge import __version__, tcl_library
from pybridge.tcl_list import join_list
from pybridge.tcl_package import tcl_package

_SHARED = tuple(f"::torch::_::{name}" for name in ("dispatch", "dispatch_bulk", "cancel_again"))
_OF_PYTHON = "::tcl::torch_end"  # only interpreters that Python has built have this command
_preparing = threading.Lock()
_prepared = False


def prepare() -> None:
    """Have the children of this process's interpreters find the package. Once is enough."""
    global _prepared
    with _preparing:
        if not _prepared:
            tcl_library.add_package("Tcltorch", _adopt)  # tclpkg/transport.tcl loads it
            script = join_list(["source", "-encoding", "utf-8", tcl_package("torch.tcl")])
            tcl_library.run_first(join_list(["package", "ifneeded", "torch", __version__, script]))
            _prepared = True


def _adopt(child: int) -> None:
    """Give a child the commands; one of a thread, or of other Python code, gets a worker of its own."""
    root = tcl_library.root(child)
    if root != child and all(tcl_library.has_command(root, name) for name in (_OF_PYTHON, *_SHARED)):
        for name in _SHARED:
            tcl_library.share_command(name, root, child)
