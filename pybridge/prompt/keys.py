"""Keys that mean something else here than in prompt_toolkit."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby

from prompt_toolkit.application import get_app, run_in_terminal
from prompt_toolkit.document import Document
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import Condition, has_completions, has_focus, is_searching
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.key_binding.key_processor import KeyPress, KeyProcessor
from prompt_toolkit.keys import Keys
from prompt_toolkit.search import accept_search, stop_search

from pybridge.prompt import margin
from pybridge.prompt.editor import edited, editor_command
from pybridge.prompt.words import place_at_end

CTRL_C = "^C"  # how a terminal shows it
_FASTEST = 0.01  # seconds between keys that somebody presses
_PROMPT, _CONTINUED = "% ", "> "
_LINE_ENDS = (Keys.ControlM, Keys.ControlJ)


class Pace:
    """Tells keys that somebody presses from text that a terminal pastes as if they were pressed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._time = 0.0  # of the last key
        self._more_came = False  # with it, in what was read from the terminal
        self._follows = False  # it came with the one before, or right after it

    def note(self, keys: KeyProcessor) -> None:
        """Called before each key."""
        before, self._time = self._time, self._clock()
        self._follows = self._more_came or self._time - before < _FASTEST
        self._more_came = bool(keys.input_queue)

    def is_pasting(self) -> bool:
        """Whether the last key has others just before or behind it. Such text has its own blanks."""
        return self._follows or self._more_came


def joined(presses: Iterable[KeyPress], after_others: bool) -> list[KeyPress]:
    """Keys that were read together, with text among them as one key: to look up each takes a millisecond.

    Args:
        after_others: whether what was read before waits for the first one, as Esc does.
    """
    found: list[KeyPress] = []
    for texts, run in groupby(presses, _inserts_itself):
        several = list(run)
        begins = found[-1].key in _LINE_ENDS if found else not after_others
        if texts and begins and len(several) > 1:
            several = [KeyPress(Keys.BracketedPaste, "".join(press.data for press in several))]
        found += several
    return found


def _inserts_itself(press: KeyPress) -> bool:
    return not isinstance(press.key, Keys) and press.key.isprintable()


@dataclass(frozen=True)
class PromptKeys:
    """What the keys do that mean something here.

    Attributes:
        is_complete: whether a script lacks no closing brace, bracket or quote.
        clear: gives up what is typed, and leaves a mark behind it, in a search or a menu, too.
        warn: is told why nothing has come back from the editor.
        pace: is told of each key.
    """

    is_complete: Callable[[str], bool]
    clear: Callable[[str], None]
    warn: Callable[[str], None]
    pace: Pace

    def bindings(self) -> KeyBindings:
        """Which key does what; of several that fit, the last one."""
        bindings = KeyBindings()
        editing = has_focus(DEFAULT_BUFFER)
        # Ctrl-J is how a line ends that is pasted as if typed. prompt_toolkit would make an Enter of it, one
        # more key: on a busy machine it comes so late that somebody seems to have pressed it.
        for enter in ("enter", "c-j"):
            bindings.add(enter, filter=is_searching)(self._run_found)
            bindings.add(enter, filter=editing)(self._enter)
        bindings.add("escape", "enter", filter=editing)(_new_line)
        bindings.add("}", filter=editing & Condition(_on_blanks))(self._close_brace)
        bindings.add("tab", filter=editing & ~has_completions & Condition(_before_a_word))(_open_menu)
        bindings.add("tab", filter=editing & Condition(_on_blanks))(_step_in)
        bindings.add("escape", filter=editing & has_completions, eager=True)(_close_menu)
        bindings.add("c-d", filter=editing & Condition(_on_empty_last_line))(self._give_up)
        bindings.add("c-x", "c-e", filter=editing)(self._edit)
        bindings.add("c-c", eager=True)(self._stop)
        bindings.add(Keys.BracketedPaste, filter=editing)(self._paste)
        bindings.add("c-@")(_ignore)
        bindings.add(Keys.Vt100MouseEvent)(_ignore)
        return bindings

    def _run_found(self, event: KeyPressEvent) -> None:
        # with nothing to look for it would take what was looked for last, which is not on the screen
        (accept_search if event.current_buffer.text else stop_search)()
        self._enter(event)

    def _enter(self, event: KeyPressEvent) -> None:
        """Run a complete script, or go on with it as far in as its braces say."""
        buffer = event.current_buffer
        if buffer.complete_state and buffer.complete_state.current_completion:
            buffer.complete_state = None  # the word is taken as it stands
        elif self.is_complete(buffer.text):
            buffer.validate_and_handle()
        else:
            _new_line(event, as_it_is=self.pace.is_pasting())

    def _close_brace(self, event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        wanted = margin.of_closing_brace(buffer.document.text_before_cursor)
        if wanted is not None and not self.pace.is_pasting() and not _in_quotes(event):
            buffer.delete_before_cursor(max(0, len(_line_before(event)) - len(wanted)))
        buffer.insert_text("}")

    def _paste(self, event: KeyPressEvent) -> None:
        text = event.data.replace("\r\n", "\n").replace("\r", "\n")
        buffer = event.current_buffer
        buffer.insert_text(text if buffer.text else self.typed_in(text))

    def typed_in(self, session: str) -> str:
        """The commands of a session that has its prompts and results, as in documentation; else the text."""
        lines = session.lstrip().split("\n")
        if not lines[0].startswith(_PROMPT):
            return session
        commands: list[str] = []
        for line in lines:
            if line.startswith(_PROMPT):
                commands.append(line.removeprefix(_PROMPT))
            elif not self.is_complete(commands[-1]):
                commands[-1] += "\n" + (line.removeprefix(_CONTINUED) if line != _CONTINUED.rstrip() else "")
        return "\n".join(commands)

    def _give_up(self, event: KeyPressEvent) -> None:
        self.clear("")

    def _stop(self, event: KeyPressEvent) -> None:
        self.clear(CTRL_C)

    async def _edit(self, event: KeyPressEvent) -> None:
        """Run what the editor has made of the script; from the one of prompt_toolkit come tracebacks."""
        buffer = event.current_buffer
        script = buffer.text
        try:
            command = editor_command()
            saved = await run_in_terminal(lambda: edited(script, command), in_executor=True)
        except OSError as error:
            self.warn(f"there is no file for the editor: {error.strerror}")
        except ValueError as error:
            self.warn(str(error))
        else:
            buffer.document = Document(saved)
            buffer.validate_and_handle()


def _open_menu(event: KeyPressEvent) -> None:
    event.current_buffer.start_completion()  # without what all have in common, be it but a dash


def _close_menu(event: KeyPressEvent) -> None:
    event.current_buffer.cancel_completion()


def _step_in(event: KeyPressEvent) -> None:
    event.current_buffer.insert_text(margin.STEP)


def _ignore(event: KeyPressEvent) -> None:
    """A mark, after which prompt_toolkit takes no text, and what a terminal tells of the mouse.

    None is asked to, and of pasted colours, which look alike, comes a traceback.
    """


def _new_line(event: KeyPressEvent, as_it_is: bool = False) -> None:
    blanks = "" if as_it_is or _in_quotes(event) else margin.after(_line_before(event))
    event.current_buffer.insert_text("\n" + blanks)


def _line_before(event: KeyPressEvent) -> str:
    return event.current_buffer.document.current_line_before_cursor


def _in_quotes(event: KeyPressEvent) -> bool:
    """Whether what is typed is text between double quotes, in which blanks are its own."""
    place = place_at_end(event.current_buffer.document.text_before_cursor)
    return place is not None and place.opened == '"'


def _before_a_word() -> bool:
    """Whether nothing of the word is there that Tab completes."""
    return get_app().current_buffer.document.char_before_cursor in ("", " ", "\t", "\n")


def _on_blanks() -> bool:
    """Whether only blanks are before the cursor, on a line that goes on with a script."""
    document = get_app().current_buffer.document
    return document.cursor_position_row > 0 and not document.current_line_before_cursor.strip()


def _on_empty_last_line() -> bool:
    document = get_app().current_buffer.document
    return bool(document.text) and document.is_cursor_at_the_end and not document.current_line.strip()
