"""The prompt: reads a command, runs it, shows its result, until the end of the input."""

import asyncio
import contextlib
import functools
import os
import re
import signal
import termios
from collections.abc import Callable, Iterator
from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.input import create_input
from prompt_toolkit.input.typeahead import clear_typeahead
from prompt_toolkit.layout.processors import TabsProcessor
from prompt_toolkit.lexers import PygmentsLexer
from prompt_toolkit.output import ColorDepth, create_output
from prompt_toolkit.shortcuts import CompleteStyle, print_formatted_text

from pybridge import __version__, interrupt
from pybridge.errors import TclError
from pybridge.interp import Interpreter
from pybridge.prompt.above import AbovePrompt
from pybridge.prompt.completion import TclCompleter
from pybridge.prompt.echo import echo, folded
from pybridge.prompt.highlight import STYLE, TorchTclLexer
from pybridge.prompt.history import HistoryFile, history_path
from pybridge.prompt.keys import CTRL_C, Pace, PromptKeys, joined
from pybridge.prompt.loading import Loading
from pybridge.prompt.search import tell_of_no_match
from pybridge.prompt.stop import Insistence
from pybridge.prompt.terminal import (
    Restorer,
    TclSelector,
    ctrl_c_is_a_signal,
    die_of,
    give_up_paste,
    start_line,
    write,
)
from pybridge.tclsh import run_start_file

_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_MENU_LINES = 8
_INTERRUPTED = "interrupted"
_PLACE = re.compile(r'\(file ".*" line \d+\)')
_WELCOME = f'tcltorch {__version__}: "torch::help" lists the commands, Ctrl-D ends'
# The usual reaction to an error in an event's script, but for one that Ctrl-C has stopped.
_BACKGROUND_ERROR = """
proc ::torch::_::background_error {message options} {
    if {[lrange [dict get $options -errorcode] 0 1] eq {TCL CANCEL}} {
        ::torch::_::stopped
    } else {
        ::tcl::Bgerror $message $options
    }
}
interp bgerror {} ::torch::_::background_error
"""


class Prompt:
    """The prompt of the program on the terminal that is its standard input and output.

    Args:
        tcl: made with `program`; it belongs to the main thread, in which this runs.
    """

    def __init__(self, tcl: Interpreter) -> None:
        self._tcl = tcl
        self._loading = Loading()
        self._running = False
        self._input: Any = create_input(os.fdopen(os.dup(0)))  # a script may close the standard channels
        screen = os.fdopen(os.dup(1), "w")
        self._output = create_output(screen)
        self._keyboard, self._screen = self._input.fileno(), screen.fileno()
        self._restore = Restorer(self._keyboard, self._screen)
        for name in ("raw_mode", "cooked_mode"):  # what prompt_toolkit does to the terminal
            setattr(self._input, name, self._restore.guarded(getattr(self._input, name)))
        # Python's own handler would raise anywhere in here; while Tcl runs, the watcher sees to the signal.
        signal.signal(signal.SIGINT, lambda *_: self._interrupted())
        watcher = interrupt.watcher()
        assert watcher, "the prompt runs in the main thread"
        self._watcher = watcher
        self._insistence = self._new_insistence()
        tcl.on_exit = self._leave
        self._loop = asyncio.SelectorEventLoop(TclSelector(tcl, self._serving))
        self._session = self._new_session()
        self._above = AbovePrompt(tcl, self._session.app, self._loop, self._screen)
        tcl.define("stopped", self._stopped)
        tcl.eval(_BACKGROUND_ERROR)
        # Tcl opens what its event loop needs when it first waits; once a script has opened a thousand files,
        # that gets a number which `select` cannot take, and the process aborts
        tcl.eval("update")

    def run(self) -> None:
        """Run until Ctrl-D, the end of the terminal, or the command `exit`."""
        self._print("class:note", _WELCOME)
        self._run_start_file()
        try:
            while (script := self._read()) is not None:
                if script.strip():
                    self._run_command(script)
        except (OSError, ValueError, termios.error):
            if os.isatty(self._keyboard):
                raise
            # else the terminal is gone, as at the end of the input
        if not os.isatty(self._keyboard) and _ends_it(signal.SIGHUP):
            self._terminated(signal.SIGHUP)  # which comes a moment before or after the end of the input
        with contextlib.suppress(TclError, KeyboardInterrupt), self._insistence.stoppable():
            self._tcl.eval("exit")  # which a script may have renamed, or replaced by one that takes long
        self._tcl.end_program(0)

    def _run_start_file(self) -> None:
        try:
            with self._insistence.stoppable():
                run_start_file(self._tcl)
        except TclError as error:
            self._complain(error.errorinfo or error.message)
        except KeyboardInterrupt:
            self._complain(_INTERRUPTED)

    def _leave(self) -> None:
        self._insistence.leave()
        self._restore()

    def _new_insistence(self) -> Insistence:
        insistence = Insistence(self._tcl, self._restore, self._watcher.runs, self._keyboard, self._screen)
        self._watcher.always = signal.SIGINT
        self._watcher.on_press = insistence.pressed
        return insistence

    def _new_session(self) -> "PromptSession[str]":
        pace = Pace()
        session: PromptSession[str] = PromptSession(
            "% ",
            multiline=True,
            prompt_continuation=lambda width, line, wrapped: "" if wrapped else "> ",
            history=HistoryFile(history_path(), self._warn),
            completer=TclCompleter(self._tcl),
            complete_style=CompleteStyle.COLUMN,
            complete_while_typing=False,
            lexer=PygmentsLexer(TorchTclLexer),
            input_processors=[TabsProcessor(tabstop=8, char1=" ", char2=" ")],
            style=STYLE,
            include_default_pygments_style=False,
            color_depth=ColorDepth.from_env() or ColorDepth.DEPTH_4_BIT,
            key_bindings=PromptKeys(self._is_complete, self._clear_line, self._warn, pace).bindings(),
            enable_suspend=True,
            input=self._input,
            output=self._output,
        )
        tell_of_no_match(session)
        keys, read = session.app.key_processor, self._input.read_keys
        keys.before_key_press += pace.note
        self._input.read_keys = lambda: joined(read(), bool(keys.key_buffer or keys.arg))
        session.app.terminal_size_polling_interval = None  # a signal tells
        resized = session.app._on_resize
        # else it erases, and asks where the cursor is, on the editor's screen
        session.app._on_resize = lambda: None if self._in_editor() else resized()  # type: ignore[method-assign]
        session.app.before_render += lambda _: self._fit_menu()
        session.app.after_render += lambda _: self._loading.start()
        return session

    def _fit_menu(self) -> None:
        """Where there are few lines, prompt_toolkit would show nothing but that the window is too small."""
        lines = self._output.get_size().rows - 2
        self._session.reserve_space_for_menu = max(0, min(_MENU_LINES, lines))

    # -- reading -----------------------------------------------------------------------------------------

    def _read(self) -> str | None:
        """The next script; empty when Ctrl-C has cleared it, None at the end of the input."""
        self._flush()
        try:
            # Raw before prompt_toolkit makes it so: keys typed ahead may ask the terminal for an answer, or
            # would be shown on the line of the prompt.
            with self._above.watching(), self._restoring_when_terminated(), self._input.raw_mode():
                start_line(self._screen)
                return self._loop.run_until_complete(self._session.prompt_async(handle_sigint=False))
        except KeyboardInterrupt:
            return ""
        except EOFError:  # Ctrl-D
            return None

    @contextlib.contextmanager
    def _restoring_when_terminated(self) -> Iterator[None]:
        numbers = [each for each in _ENDING if _ends_it(each)]
        for number in numbers:
            terminated = functools.partial(self._terminated, number)
            self._loop.add_signal_handler(number, terminated)
            # not only by the loop: an event's script may take for ever
            self._watcher.at_once[number] = terminated
        try:
            yield
        finally:
            for number in numbers:
                del self._watcher.at_once[number]
                self._loop.remove_signal_handler(number)

    def _terminated(self, number: int) -> None:
        self._leave()
        die_of(number)

    def _serving(self, serve: Callable[[], object]) -> None:
        """Have Tcl run the scripts of events. Ctrl-C stops one; where none runs, it clears the line."""
        in_editor = self._in_editor()  # which has the terminal, in a mode of its own
        mode = contextlib.nullcontext() if in_editor else ctrl_c_is_a_signal(self._keyboard, self._restore)
        try:
            with mode, self._insistence.stoppable():
                serve()
        except KeyboardInterrupt:
            self._interrupted()

    def _interrupted(self) -> None:
        self._loop.call_soon_threadsafe(self._clear_line, CTRL_C)
        self._loop.call_soon_threadsafe(give_up_paste, self._input.vt100_parser, self._loop)

    def _clear_line(self, mark: str = "") -> None:
        """Give up what is typed; `mark` stays behind it."""
        application = self._session.app
        if application.is_running and not application.is_done and not self._in_editor():
            application.layout.focus(DEFAULT_BUFFER)  # which a search of the history would keep
            self._session.search_buffer.reset()  # or the next search would go on with its text
            buffer = self._session.default_buffer
            buffer.cursor_position = len(buffer.text)
            buffer.insert_text(mark)
            application.exit(exception=KeyboardInterrupt, style="class:aborting")

    def _in_editor(self) -> bool:
        """Whether $EDITOR has the terminal, and gets its keys, Ctrl-C, too."""
        return self._session.app._running_in_terminal

    def _is_complete(self, script: str) -> bool:
        try:
            return bool(self._tcl.call("::tcl::info::complete", script + "\n"))
        except TclError:
            return True

    # -- running -----------------------------------------------------------------------------------------

    def _run_command(self, script: str) -> None:
        try:
            result = self._evaluated(script)
            self._flush()
            shown = echo(result, self._tcl.dispatcher.table, self._output.get_size().columns)
            if shown != result:  # lines of the prompt's own; a result goes on where output has ended
                start_line(self._screen)
            if shown:
                write(self._screen, shown + "\n")
        except TclError as error:
            self._complain(error.message, _place(error))
        except KeyboardInterrupt:
            clear_typeahead(self._input)  # as the terminal drops what was typed before and is not read yet
            self._complain(_INTERRUPTED)

    def _evaluated(self, script: str) -> str:
        self._running = True
        try:
            with self._insistence.stoppable(), self._loading.telling(self._tell_of_a_wait):
                with contextlib.suppress(TclError):  # a script may have renamed it
                    self._tcl.call("history", "add", script)
                return self._tcl.eval(script)
        finally:
            self._running = False

    def _tell_of_a_wait(self) -> None:
        write(self._screen, "loading PyTorch ...\r\n")

    def _stopped(self) -> str:
        """An event's script was stopped: so is the command that has waited for it."""
        if self._running:
            self._watcher.cancel_again()
        else:
            self._print("class:failure", _INTERRUPTED)
        return ""

    def _flush(self) -> None:
        for _ in range(2):  # a Ctrl-C may have been for what has just ended
            with contextlib.suppress(KeyboardInterrupt):
                # a script may have closed it; a transformation of a script's may not end
                with contextlib.suppress(TclError), self._insistence.stoppable():
                    self._tcl.call("::tcl::chan::flush", "stdout")
                return

    def _complain(self, message: str, place: str = "") -> None:
        self._flush()
        start_line(self._screen)
        self._print("class:failure", folded(message, self._output.get_size().columns) + place)

    def _warn(self, message: str) -> None:
        self._print("class:note", folded(f"warning: {message}", self._output.get_size().columns))

    def _print(self, style: str, message: str) -> None:
        print_formatted_text(FormattedText([(style, message)]), style=STYLE, output=self._output)


def _place(error: TclError) -> str:
    """A line that says where an error stands, if that is in a file."""
    found = _PLACE.search(error.errorinfo.removeprefix(error.message))  # which may name that of another
    return f"\n{found[0]}" if found else ""


def _ends_it(number: int) -> bool:
    return signal.getsignal(number) is not signal.SIG_IGN  # as by nohup
