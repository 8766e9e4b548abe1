"""Child interpreters get the commands of their parent by `package require torch`, and see the same handles.

Before that a child has nothing of the package but the way to it, so that it is as in any other Tcl. A safe
one does not even have that: its parent gives it what it may use.
"""

import functools

from pybridge import __version__
from pybridge.tcl_list import join_list
from pybridge.tcl_package import tcl_package

_SHARED = tuple(f"::torch::_::{name}" for name in ("dispatch", "dispatch_bulk", "cancel_again"))
_OF_PARENT = ("::tcl::torch_end", *_SHARED)  # with the first, as other transports have the rest
_COPIED = ("::torch::_::version", "::torch::_::commands")


@functools.cache
def prepare() -> None:
    """Have the children of this process's interpreters find the package. Once is enough."""
    from pybridge import tcl_library  # with ctypes, which takes its time

    def adopt(child: int) -> None:
        parent = tcl_library.root(child)
        if parent == child or not all(tcl_library.has_command(parent, name) for name in _OF_PARENT):
            return  # of a thread, or of other Python code: it gets a worker of its own
        for name in _SHARED:
            tcl_library.share_command(name, parent, child)
        for name in _COPIED:
            tcl_library.copy_variable(name, parent, child)

    tcl_library.add_package("Tcltorch", adopt)  # tclpkg/transport.tcl loads it
    script = join_list(["source", "-encoding", "utf-8", str(tcl_package() / "torch.tcl")])
    tcl_library.run_first(join_list(["package", "ifneeded", "torch", __version__, script]))
