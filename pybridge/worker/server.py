"""The worker's side of a connection: requests in, answers out, one after the other."""

import os
import re
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pybridge import __version__, errors, file_names, interrupt
from pybridge.bulk import Bulk
from pybridge.commands import about
from pybridge.dispatch import BULK, ERROR, OK, PICTURE, Dispatcher, Reply
from pybridge.interrupt import Watcher
from pybridge.tcl_list import double_text, join_list, split_list
from pybridge.worker.frames import Bytes, Reader, TooLong, Writer, encode
from pybridge.worker.hangup import signal_children
from pybridge.worker.output import Output

if TYPE_CHECKING:
    from pybridge.interp import Interpreter

# What a script prints goes over line by line: a transformation takes the bytes before a descriptor does.
_RELAY = """
proc ::torch::_::relay {channel operation args} {
    if {$operation eq "initialize"} {
        return {initialize finalize write}
    }
    if {$operation eq "write"} {
        said $channel [lindex $args 1]
    }
    return
}
foreach channel {stdout stderr} {
    chan configure $channel -encoding utf-8 -translation lf -buffering line
    chan push $channel [list ::torch::_::relay $channel]
}
unset channel
# What a remote script gives, and how it ends where that is no error: the caller is told of both.
proc ::torch::_::outcome {script} {
    set code [catch {remote $script} value options]
    if {$code == 1} {
        return -options $options $value
    }
    return [list $value [expr {$code ? $options : {}}]]
}
"""
_SCRIPT_LINE = re.compile(
    r'\n    \("uplevel" body line (\d+)\)\n    invoked from within\n"uplevel #0 .*\Z', re.DOTALL
)


def greet(writer: Writer, answer: str = "") -> None:
    """Say who is here.

    Args:
        answer: what the other side knows the daemon by; empty, by default, where it has started this process.
    """
    writer.send(0, encode(join_list(("hello", __version__, str(os.getpid()), answer))))
    about.host_facts["runs in"] = "a worker of the daemon's" if answer else "a worker"


class Server:
    """Answers what comes from one Tcl program.

    Args:
        reader, writer: the connection.
        output: what the process prints, which goes over before the answer.
    """

    def __init__(self, reader: Reader, writer: Writer, output: Output) -> None:
        self._reader, self._writer, self._output = reader, writer, output
        self._dispatcher = Dispatcher()
        self._interpreter: Interpreter | None = None
        self._encoding = "utf-8"  # the program's, for what the system has the names of
        self.cancelled = False  # by a signal that came when nothing ran

    def serve(self) -> None:
        """Answer requests until the other side is gone.

        Raises:
            Garbled: what came was no request.
        """
        while self._serve_one():
            pass

    def _serve_one(self) -> bool:
        """Answer the next request, if there is one. Of neither is anything kept, which may be gigabytes."""
        request = self._reader.next()
        if request is None:
            return False
        number, text, payload = request
        dispatcher = self._dispatcher
        # searching for three characters is faster than a pattern that finds any of them
        if text[:1] == "!" or "{" in text or "\\" in text or '"' in text:
            reply = self._answer(text, payload)
        else:
            reply = dispatcher("", *text.split(" "))
        self._output.flush()
        if number:
            try:
                self._writer.send(number, *_told(reply, dispatcher.table.created))
            except TooLong as error:
                reply = dispatcher.failed(errors.unsupported("size", str(error)))
                self._writer.send(number, *_told(reply, dispatcher.table.created))
        return True

    def _answer(self, text: str, payload: bytes | bytearray) -> Reply:
        try:
            words = split_list(text)
            if words[0][:1] != "!":
                return self._dispatcher("", *words)
            return self._served(words[0], words[1:], payload)
        except BaseException as error:
            return self._dispatcher.failed(error)

    def _served(self, verb: str, words: list[str], payload: bytes | bytearray) -> Reply:
        """What the client asks for beyond a command of the main chain of calls."""
        match verb, words:
            case "!in", [chain, *rest]:
                return self._dispatcher(chain, *rest)
            case "!bulk", [index, form, shape, chain, *rest]:
                bulk = Bulk(payload, form, tuple(map(int, shape.split())))
                return self._dispatcher(chain, *rest[: int(index) + 1], bulk, *rest[int(index) + 2 :])
            case "!cd", [folder, in_bytes]:
                return self._change_folder(folder, in_bytes.encode("latin-1"))
            case "!begin", [patch_level, encoding, created, generation, terminal]:
                about.host_facts["Tcl"] = patch_level
                self._encoding = encoding
                file_names.follow(encoding, patch_level)
                self._dispatcher.table.follow(int(created), int(generation))
                self._output.terminal = terminal == "1"
                return OK, "", ()
            case "!async", [verb, *rest]:
                return self._cancellable(lambda: self._served(verb, rest, payload))
            case "!script", [chain, script]:
                return self._run_script(chain, script)
            case "!cancelled", []:
                self.cancelled = False
                return OK, "", ()
        raise ValueError(f"no such request: {verb}")

    def _cancellable(self, action: Callable[[], Reply]) -> Reply:
        """Run what SIGUSR1 stops: a script at once, a command at its next `interrupt.checkpoint`."""
        reply = None
        watcher = _watcher()
        try:
            with watcher.watching(watcher.cancel_again) as settle:  # for a script that has not begun yet
                if self.cancelled:
                    raise KeyboardInterrupt
                reply = action()
                if settle() and reply[0] == ERROR:  # that of a command which was ended with it, perhaps
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            if reply is None or reply[0] == ERROR:  # else it came too late
                reply = self._dispatcher.failed(errors.interrupted())
        return reply

    def _change_folder(self, folder: str, in_bytes: bytes) -> Reply:
        try:
            os.chdir(in_bytes)
        except OSError as error:
            raise errors.folder_access(folder, error) from None
        return OK, "", ()

    def _run_script(self, chain: str, script: str) -> Reply:
        """Run a script, for a chain of calls, in an interpreter of Python's that has the same handles."""
        if self._interpreter is None:
            self._interpreter = self._new_interpreter()
        self._interpreter.dispatcher.main = chain
        folder = os.open(".", os.O_RDONLY)  # the program's, whatever the script does: relative names mean it
        try:
            value, options = self._interpreter.call("::torch::_::outcome", script)
            return (ERROR, value, options) if options else (OK, value, ())
        except errors.TclError as error:
            trace = _SCRIPT_LINE.sub(r"\n    (remote script line \1)", error.errorinfo)
            return ERROR, error.message, ("-errorcode", error.errorcode, "-errorinfo", trace)
        except SystemExit as error:
            raise errors.unsupported(
                "exit", f"a remote script cannot end this program (exit {error.code})"
            ) from None
        finally:
            self._interpreter.flush()
            os.fchdir(folder)
            os.close(folder)

    def _new_interpreter(self) -> "Interpreter":
        from pybridge.interp import Interpreter

        interpreter = Interpreter(table=self._dispatcher.table)
        interpreter.interruptible = False  # a cancel is for the script, which would find half of this
        interpreter.define("said", self._pass_on)
        interpreter.call("encoding", "system", self._encoding)
        # the interpreter has had names follow its own, while it was made
        file_names.follow(self._encoding, about.host_facts["Tcl"])
        interpreter.eval(_RELAY)
        interpreter.interruptible = True
        return interpreter

    def _pass_on(self, channel: str, data: str) -> str:
        self._output.write(channel, data.encode("latin-1"))  # the bytes, as tkinter tells them
        return ""


def _watcher() -> Watcher:
    watcher = interrupt.watcher()
    assert watcher is not None  # requests are served in the main thread
    watcher.always = signal.SIGUSR1
    watcher.on_press = lambda *_: signal_children(signal.SIGTERM)  # the script waits for them
    return watcher


def _told(reply: Reply, created: int) -> tuple[bytes, Bytes]:
    """A reply, and how many handles there have been, as what is in a frame."""
    status, value, options = reply
    if status == OK:
        if type(value) is int:
            return b"0 %d {} %d" % (value, created), b""
        if type(value) is str and value.isidentifier() and value.isascii():  # a handle, most often
            return b"0 %b {} %d" % (value.encode(), created), b""
    payload = b""
    if status == BULK:
        payload, *value = value
    elif status == PICTURE:
        value, payload = value
    return encode(join_list((str(status), tcl_text(value), tcl_text(options), str(created)))), payload


def tcl_text(value: Any) -> str:
    """What Tcl has as the text of this value."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, tuple | list):
        return join_list(map(tcl_text, value))
    if isinstance(value, float):
        return double_text(value)
    if isinstance(value, int):
        return str(int(value))
    raise TypeError(f"a {type(value).__name__} has no Tcl form")
