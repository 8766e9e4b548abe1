"""The search of the history."""

from prompt_toolkit import PromptSession
from prompt_toolkit.document import Document
from prompt_toolkit.layout.controls import SearchBufferControl
from prompt_toolkit.layout.processors import AfterInput
from prompt_toolkit.search import SearchState


def tell_of_no_match(session: "PromptSession[str]") -> None:
    """Have a note stand behind what is looked for, as long as no entry with it is shown."""
    find = session.default_buffer.document_for_search
    shown = ""

    def found(search_state: SearchState) -> Document:  # called to draw the entry, which is above the note
        nonlocal shown
        document = find(search_state)
        shown = document.text
        return document

    def note() -> str:
        return "" if session.search_buffer.text in shown else "  (no match)"

    # to search once more for the note would take as long again: half a second where the history is full
    session.default_buffer.document_for_search = found  # type: ignore[method-assign]
    for control in session.layout.find_all_controls():
        if isinstance(control, SearchBufferControl) and control.input_processors is not None:
            control.input_processors.append(AfterInput(note, "class:note"))
