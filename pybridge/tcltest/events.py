"""What a Tcl process tells of what happens in it, and the plan that it is given.

The events, of which the first word is the thread, empty for that of the test files, and the second the kind:

| kind | words | meaning |
|---|---|---|
| setup | | the set-up script is about to be sourced |
| file | number, extent | a file is about to be run |
| sourced | | it has been, to its end |
| untold | | it has been, but not all events could be written; this one is process.py's |
| died | message, trace, where tclsh has printed that | it has ended with an error |
| exits | | a script calls `exit` |
| unseen | | another `exit` takes the place of that which tells so |
| setup_died | message, trace | the set-up script has |
| test | name, interpreter, description, file, line | while collecting: `test` was called |
| begin | name, occurrence, interpreter, microseconds, extent, body | a test begins |
| problem | interpreter, kind and what belongs to it | what tcltest found wrong |
| errorinfo | interpreter, phase, trace | an error in its setup, body or cleanup |
| errorcode | interpreter, phase, code | its errorCode |
| script | interpreter, phase, text | the setup or cleanup that has failed |
| command | interpreter, file, line, further lines | what has called tcltest, where there is a trace |
| end | interpreter, microseconds, status, where the report begins, extent, reason, leaks | it has ended |
| unfound | name, occurrence, interpreter, whether it runs, description, file, line | it was not found |
| cleanup | interpreter | it has called cleanupTests to print totals |
| totals | interpreter, name | it has printed its totals, which begin with the name of a file |
| unprinted | interpreter | it has printed totals that are nowhere: the suite keeps them back |
| reporting | interpreter | it is about to add its counts to those of another |
| handed | interpreter, name | it has printed them to another process, which adds them to its counts |
| reported | interpreter, passed, skipped, failed | counts of another have been added to its own |
| process | file, message, whether just its status is wrong | one that ran it for runAllTests ended badly |
| changes_counts | | while collecting: a script seems to change what tcltest has counted |
| mentions_cleanup | | while collecting: the word `cleanupTests` stands in a script |
| rewritten | | while collecting: the file opens itself to write, or puts another in its place |
| forgotten | interpreter | it has another tcltest than before |
| apart | end of a file's name | an event that is too long to be written at once stands there |
| recounted | interpreter, theirs, ours | it has counted others (passed, skipped, failed) than tests tell |

An interpreter is what its tests' names begin with: nothing for the file's own, `kid::` for a child `kid`.
A thread, which may be a process of its own, is the number of the file that has made it, and a name.
Leaks are a list: a handle, and for the first ones what it names.
An extent is two words: how much there is on standard output, and on standard error.
"""

from collections.abc import Sequence

_ESCAPED = {"\\": "\\\\", "\t": "\\t", "\n": "\\n"}
_ESCAPES = str.maketrans(_ESCAPED)
_NAMING = ("test", "begin", "unfound")  # the events that begin with the name of a test

Event = list[str]
Extent = tuple[int, int]


def encode(words: Sequence[str]) -> bytes:
    """One line of a plan: words with tabs between them."""
    # a path may have bytes that are not UTF-8, the name of a test half a surrogate pair
    errors = "surrogatepass" if words[0] == "test" else "surrogateescape"
    return "\t".join(word.translate(_ESCAPES) for word in words).encode("utf-8", errors) + b"\n"


def decode(line: bytes) -> Event:
    """The words of one line of events."""
    text = line.decode("utf-8", "surrogatepass")
    if text.isascii():
        return [_unescape(word) for word in text.split("\t")]
    # Tcl 8.6 writes a character beyond U+FFFF as its two halves
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    thread, kind, *words = [_unescape(word) for word in text.split("\t")]
    # of a half alone we write the number, but in the name by which Tcl is to find a test
    named = int(kind in _NAMING)
    return [thread, kind, *words[:named], *map(_without_halves, words[named:])]


def _without_halves(word: str) -> str:
    return word.encode("utf-8", "backslashreplace").decode("utf-8")


def _unescape(word: str) -> str:
    if "\\" not in word:
        return word
    parts = word.split("\\\\")
    return "\\".join(part.replace("\\t", "\t").replace("\\n", "\n") for part in parts)
