"""What a test file counts when nothing of pytest's is in its process."""

import re
import tempfile
from pathlib import Path
from typing import BinaryIO

from pybridge.tcltest.comparison import Compared
from pybridge.tcltest.counts import STATUSES
from pybridge.tcltest.file_run import FileRun
from pybridge.tcltest.printed_totals import Totals, printed_totals, sum_of
from pybridge.tcltest.process import End, script_name
from pybridge.tcltest.process_group import end_of, start_process
from pybridge.tcltest.settings import Settings

_OUR_MODE = re.compile(r'bad -match value "(approx|tensor)"')
_MATCH_MODES = "package require torch::tcltest has it without pytest, too"


def compare_counts(settings: Settings, file: FileRun) -> tuple[Compared, str]:
    """Run a file as without pytest, and say how its counts differ from those of the run that has ended.

    Returns:
        How far that has come, and what is wrong: nothing where neither run has printed totals.
    """
    program = " ".join(settings.interpreter) or "tcltorch"
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        try:
            end = _run(settings, file.path, stdout, stderr)
        except OSError as error:
            return Compared.WITHOUT_TOTALS, f"{program} alone: {error.strerror or error}"
        names = file.names_in_totals
        printed = sum_of(printed_totals(stdout, names) + printed_totals(stderr, names))
        complaint = _complaint(stderr)
    if end.stopped:
        return Compared.WITHOUT_TOTALS, f"{program} alone {end}"
    if printed == file.totals or (printed is None and not file.counts.totalled_any):
        return Compared.DONE, ""
    observed = f"with pytest {_in_words(file.totals)}"
    if printed is None:
        alone = f"{program} alone {end} and printed no totals to standard output{complaint}"
        return Compared.WITHOUT_TOTALS, f"{alone}; {observed}"
    return Compared.DONE, (
        f"counts differ: {program} alone {_in_words(printed)}, {observed}. "
        "The suite looks for what pytest adds to its interpreter, its results are not the same each time, "
        "or its totals are not printed as tcltest prints them"
    )


def _run(settings: Settings, path: Path, stdout: BinaryIO, stderr: BinaryIO) -> End:
    """Run a file in its folder, and end what it has left behind.

    Raises:
        OSError: it cannot be started; the file may have removed its folder.
    """
    command = [*settings.command, script_name(path), *settings.arguments]
    status, ended = end_of(start_process(command, path.parent, stdout, stderr), settings.timeout)
    return End(status, "" if ended else settings.timed_out)


def _complaint(errors: BinaryIO) -> str:
    """The end of a message: the first line on standard error, which may say what was wrong."""
    errors.seek(0)
    first = next((line for line in errors if line.strip()), b"").decode("utf-8", "replace").strip()
    hint = f"; {_MATCH_MODES}" if _OUR_MODE.match(first) else ""
    return f" ({first}{hint})" if first else ""


def _in_words(totals: Totals) -> str:
    return ", ".join(f"{number} {status}" for status, number in zip(STATUSES, totals, strict=True))
