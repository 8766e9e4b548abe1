"""Keys that mean something else here than in prompt_toolkit."""

from collections.abc import Callable

from prompt_toolkit.application import get_app
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import Condition, has_focus
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys

from pybridge.prompt import margin

CTRL_C = "^C"  # how a terminal shows it


def key_bindings(is_complete: Callable[[str], bool], clear: Callable[[str], None]) -> KeyBindings:
    """Enter runs a complete script, or goes on with it as far in as its braces say, and Tab a step further.

    Ctrl-D on an empty continuation line gives the script up.

    Args:
        is_complete: whether a script lacks no closing brace, bracket or quote.
        clear: gives up what is typed, and leaves a mark behind it, in a search or a menu, too.
    """
    bindings = KeyBindings()
    editing = has_focus(DEFAULT_BUFFER)

    @bindings.add("enter", filter=editing)
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state:
            buffer.complete_state = None  # the word is taken as it stands
        elif is_complete(buffer.text):
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n" + ("" if _is_pasting(event) else margin.after(_line_before(event))))

    @bindings.add("escape", "enter", filter=editing)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n" + margin.after(_line_before(event)))

    @bindings.add("}", filter=editing & Condition(_on_blanks))
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        wanted = margin.of_closing_brace(buffer.document.text_before_cursor)
        if wanted is not None and not _is_pasting(event):
            buffer.delete_before_cursor(max(0, len(_line_before(event)) - len(wanted)))
        buffer.insert_text("}")

    @bindings.add("tab", filter=editing & Condition(_on_blanks))
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text(margin.STEP)

    @bindings.add("c-d", filter=editing & Condition(_on_empty_last_line))
    def _(event: KeyPressEvent) -> None:
        clear("")

    @bindings.add("c-c", eager=True)
    def _(event: KeyPressEvent) -> None:
        clear(CTRL_C)

    return bindings


def _line_before(event: KeyPressEvent) -> str:
    return event.current_buffer.document.current_line_before_cursor


def _is_pasting(event: KeyPressEvent) -> bool:
    """Whether more than Enter follows at once; what a terminal pastes as if typed has its own blanks."""
    return any(each.key != Keys.Enter for each in event.key_processor.input_queue)


def _on_blanks() -> bool:
    """Whether only blanks are before the cursor, on a line that goes on with a script."""
    document = get_app().current_buffer.document
    return document.cursor_position_row > 0 and not document.current_line_before_cursor.strip()


def _on_empty_last_line() -> bool:
    document = get_app().current_buffer.document
    return bool(document.text) and document.is_cursor_at_the_end and not document.current_line.strip()
