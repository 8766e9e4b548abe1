"""The functions of Tcl's C library that tkinter does not offer."""

import _tkinter
import ctypes
import gc
import os
import threading
from collections.abc import Callable
from typing import Any

from pybridge.tcl_list import join_list

OK = 0  # TCL_OK
_BOOLEAN = 3  # TCL_LINK_BOOLEAN
_LIMIT_COMMANDS = 1  # TCL_LIMIT_COMMANDS of tcl.h
_READABLE, _WRITABLE = 1 << 1, 1 << 2  # TCL_READABLE and TCL_WRITABLE
STANDARD = (1 << 1, 1 << 2, 1 << 3)  # TCL_STDIN, TCL_STDOUT and TCL_STDERR
_USAGE = ((_READABLE, b"line"), (_WRITABLE, b"line"), (_WRITABLE, b"none"))  # as Tcl has these on a terminal
library = ctypes.PyDLL(_tkinter.__file__)  # linked with Tcl; none of these calls takes long, or runs a script
# The same, without Python's lock, which scripts need. Packages such as Expect look for Tcl in what is global.
unlocked = ctypes.CDLL(_tkinter.__file__, ctypes.RTLD_GLOBAL)
_child = getattr(library, "Tcl_GetSlave", None) or library.Tcl_GetChild  # as of Tcl 9.0
_child.restype = ctypes.c_void_p
_parent = getattr(library, "Tcl_GetMaster", None) or library.Tcl_GetParent
_parent.restype = ctypes.c_void_p
_add_package = getattr(library, "Tcl_StaticPackage", None) or library.Tcl_StaticLibrary
_set_first_script = getattr(library, "TclSetPreInitScript", None) or library.Tcl_SetPreInitScript
_set_first_script.restype = ctypes.c_char_p
library.Tcl_FindCommand.restype = ctypes.c_void_p
library.Tcl_AsyncCreate.restype = ctypes.c_void_p
library.Tcl_MakeFileChannel.restype = ctypes.c_void_p
_AsyncProcedure = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)
_PackageProcedure = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
_ExitProcedure = ctypes.CFUNCTYPE(None, ctypes.c_ssize_t)  # which is given the status in place of a pointer
loading = threading.Lock()  # held while Tcl has called a function of Python's, but not by tkinter
_kept: list[Any] = []  # Tcl knows their addresses


class LinkedBoolean:
    """A global variable of Tcl's that takes nothing but booleans.

    Args:
        address: the interpreter's.
        value: what it is at first.
    """

    def __init__(self, address: int, name: str, value: bool) -> None:
        self._value = ctypes.c_int(value)
        _kept.append(self._value)  # Tcl writes to it for as long as there is the variable
        place = ctypes.byref(self._value)
        library.Tcl_LinkVar(ctypes.c_void_p(address), name.encode(), place, _BOOLEAN)

    def __bool__(self) -> bool:
        return bool(self._value)


def canceller(address: int) -> Callable[[], None]:
    """A function for any thread that cancels what the interpreter at `address` runs; `catch` may stop it."""
    interpreter = ctypes.c_void_p(address)
    return lambda: library.Tcl_CancelEval(interpreter, None, None, 0)


def take_cancel(address: int) -> bool:
    """Use up a cancel of the interpreter at `address`, which no script does here; whether there was one."""
    interpreter = ctypes.c_void_p(address)
    if library.Tcl_AsyncReady():
        library.Tcl_AsyncInvoke(interpreter, OK)
    return bool(library.Tcl_Canceled(interpreter, 0) != OK)


def child(address: int, name: str) -> int:
    """The address of a child of the interpreter at `address`; 0 when there is none of this name."""
    path = ctypes.c_char_p(join_list([name]).encode("utf-8", "replace"))
    return _child(ctypes.c_void_p(address), path) or 0


def summoner(action: Callable[[], None]) -> Callable[[], None]:
    """A function for any thread that has Tcl call `action` in this one, before the next Tcl command."""

    def called(_: Any, interpreter: Any, code: int) -> int:
        action()
        return code

    procedure = _AsyncProcedure(called)
    handler = ctypes.c_void_p(library.Tcl_AsyncCreate(procedure, None))
    _kept.append(procedure)
    return lambda: library.Tcl_AsyncMark(handler)


def add_package(name: str, load: Callable[[int], None]) -> None:
    """Have `load {} name` call `load` with the address of the interpreter that evaluates it, but no safe one.

    Tcl calls it in whatever thread that is, and at most once in an interpreter. It must call nothing of
    tkinter's, which waits for Tcl and would forget its thread.
    """

    def called(address: int) -> int:
        # Garbage may have interpreters of tkinter's in it, and handlers of signals may use some: they wait
        # for the lock to be free, and no object is made before there is no collection.
        loading.acquire()
        collects = gc.isenabled()
        gc.disable()
        try:
            load(address)
        finally:
            if collects:
                gc.enable()
            loading.release()
        return OK

    procedure = _PackageProcedure(called)
    _kept.append(procedure)
    _add_package(None, name.encode(), procedure, None)


def run_first(script: str) -> None:
    """Have each interpreter of this process that is made from now on evaluate `script` first; no safe one."""
    text = script.encode("utf-8", "replace")
    _kept.append(text)
    before = _set_first_script(text)
    if before:
        both = before + b"\n" + text
        _kept.append(both)
        _set_first_script(both)


def root(address: int) -> int:
    """The interpreter above all parents of this one; itself if it has none."""
    while above := _parent(ctypes.c_void_p(address)):
        address = above
    return address


def has_command(address: int, name: str) -> bool:
    """Whether an interpreter has the command of this absolute name."""
    return bool(library.Tcl_FindCommand(ctypes.c_void_p(address), name.encode(), None, 0))


def share_command(name: str, owner: int, receiver: int) -> None:
    """Make an alias of this name in the interpreter `receiver` for the command of the interpreter `owner`."""
    word = name.encode()
    unlocked.Tcl_CreateAlias(ctypes.c_void_p(receiver), word, ctypes.c_void_p(owner), word, 0, None)


def is_complete(script: bytearray) -> bool:
    """Whether a script, in Tcl's UTF-8, ends where a command may end."""
    start = ctypes.byref(ctypes.c_char.from_buffer(script))  # behind its end there is a NUL
    return bool(library.Tcl_CommandComplete(start))


def exceed_limit(address: int) -> None:
    """Have the interpreter at `address` run no more commands: the one error that no `catch` stops."""
    interpreter = ctypes.c_void_p(address)
    library.Tcl_LimitSetCommands(interpreter, 0)
    library.Tcl_LimitTypeSet(interpreter, _LIMIT_COMMANDS)
    library.Tcl_LimitCheck(interpreter)


def lift_limit(address: int) -> None:
    """Have it run commands again."""
    library.Tcl_LimitTypeReset(ctypes.c_void_p(address), _LIMIT_COMMANDS)


def end_thread() -> None:
    """Have Tcl end in this thread as it does when its program exits: each channel is written and closed.

    Also those of child interpreters, and those that only Tcl still holds. Nothing of Tcl can be used after
    it, and a command of tkinter's that is called by it would end the process.
    """
    library.Tcl_FinalizeThread()


def replace_exit(action: Callable[[int], None]) -> None:
    """Have Tcl's own `exit` call `action` with the status, in whatever thread that is.

    A thread of the package Thread has it, and so has a child interpreter. It must end the process, and call
    nothing of tkinter's.
    """

    def called(status: int) -> None:
        gc.disable()  # garbage may have interpreters of tkinter's in it
        action(status)

    procedure = _ExitProcedure(called)
    _kept.append(procedure)
    library.Tcl_SetExitProc(procedure)


def name_executable(path: str) -> None:
    """Have `info nameofexecutable` be `path`, which is absolute, in all interpreters of this process."""
    library.Tcl_FindExecutable(os.fsencode(path))


def look_for_terminals() -> None:
    """Have Tcl's standard channels in this thread be those of a terminal (`-mode`) where there is one now.

    Tcl looks when it first needs them. Interpreters that exist already keep theirs.
    """
    for descriptor, (which, (usage, buffering)) in enumerate(zip(STANDARD, _USAGE, strict=True)):
        if os.isatty(descriptor):
            made = library.Tcl_MakeFileChannel(ctypes.c_void_p(descriptor), usage)
            channel = ctypes.c_void_p(made)
            library.Tcl_RegisterChannel(None, channel)
            library.Tcl_SetStdChannel(channel, which)
            for option, value in ((b"-translation", b"auto crlf"), (b"-buffering", buffering)):
                library.Tcl_SetChannelOption(None, channel, option, value)
