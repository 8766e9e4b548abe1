"""Keys that mean something else here than in prompt_toolkit."""

from collections.abc import Callable

from prompt_toolkit.application import get_app
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import Condition, has_focus
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent


def key_bindings(is_complete: Callable[[str], bool], clear: Callable[[], None]) -> KeyBindings:
    """Enter runs a complete script; Ctrl-D on an empty continuation line gives the script up.

    Args:
        is_complete: whether a script lacks no closing brace, bracket or quote.
        clear: what Ctrl-C does, in a search or a menu, too.
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
            # text that a terminal pastes as if it were typed brings its own blanks
            buffer.newline(copy_margin=not event.key_processor.input_queue)

    @bindings.add("escape", "enter", filter=editing)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.newline(copy_margin=True)

    @bindings.add("c-d", filter=editing & Condition(_on_empty_last_line))
    def _(event: KeyPressEvent) -> None:
        clear()

    @bindings.add("c-c", eager=True)
    def _(event: KeyPressEvent) -> None:
        clear()

    return bindings


def _on_empty_last_line() -> bool:
    document = get_app().current_buffer.document
    return bool(document.text) and document.is_cursor_at_the_end and not document.current_line.strip()
