"""How it is known that the script of a Tcl process has ended, where the interpreter runs that itself."""

from pybridge.tcltest.events import Event

_TOLD = ("sourced", "died", "setup_died")
_OURS = ("exits", "unseen")


class ScriptEnd:
    """What the events of a process tell of the end of its script.

    Attributes:
        printed_at: where on standard error the trace begins that tclsh has printed last; None: nowhere.
    """

    def __init__(self) -> None:
        self.printed_at: int | None = None
        self._told = False
        self._exit_replaced = False
        self._last = ""
        self._under_way = 0  # how many tests have begun, and not ended

    def take_out(self, events: list[Event]) -> list[Event]:
        """Take in some events, and return those that tell of more."""
        for thread, kind, *words in events:
            self._last = kind
            self._told = self._told or kind in _TOLD
            self._exit_replaced = self._exit_replaced or kind == "unseen"
            if kind in ("begin", "end") and not thread:
                self._under_way += 1 if kind == "begin" else -1
            if kind == "died" and words[2:]:
                self.printed_at = int(words[2])
        return [event for event in events if event[1] not in _OURS]

    @property
    def is_told(self) -> bool:
        """Whether the last event tells of an end, and so none before it could not be told."""
        return self._last in (*_TOLD, "exits")

    def is_unseen(self, status: int | None) -> bool:
        """Whether a process with this status has ended its script unseen, because `exit` was replaced."""
        half_way = self._last == "exits" or self._under_way > 0
        return self._exit_replaced and not self._told and not half_way and status == 0
