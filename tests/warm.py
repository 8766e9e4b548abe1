"""Scripts in processes of their own that need not import PyTorch, which takes seconds: forks of one that has.

It imports nothing else unless asked, and has PyTorch compute nothing, which therefore has no threads yet.
What it has in memory is frozen: a child would look for garbage in all of PyTorch, and copy it for that. A
child ends when its threads and functions of atexit have, unless the rest of its end is what is tested: to
take PyTorch apart costs 0.3 s of a processor.
"""

import json
import os
import subprocess
import sys
import tempfile
import termios
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.processes import all_of

_SECONDS = 120  # after which a script is killed
# A child goes on below the loop, so that it ends as any program does. What atexit has first is called last.
_PARENT = f"""
import atexit, gc, json, os, signal, sys

def end():
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)

atexit.register(end)
import torch
for module in sys.argv[1:]:
    __import__(module)

gc.collect()
gc.freeze()
while True:
    request = json.loads(sys.stdin.readline() or os._exit(0))
    child = os.fork()
    if not child:
        break
    signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
    signal.alarm({_SECONDS})
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    signal.alarm(0)
    print(status, flush=True)
signal.signal(signal.SIGALRM, signal.SIG_DFL)
for descriptor, path in enumerate([os.devnull, *request["files"]]):
    os.dup2(os.open(path, os.O_RDWR), descriptor)
os.environ.clear()
os.environ.update(request["environment"])
os.chdir(request["folder"])
sys.argv[1:] = request["words"]
if request["whole_end"]:
    atexit.unregister(end)
status = 1
try:
    exec(compile(request["script"], "<string>", "exec"), {{"__name__": "__main__"}})
    status = 0
except SystemExit as error:
    status = error.code if isinstance(error.code, int) else int(error.code is not None)
    raise
"""


class Warm:
    """A process that has imported PyTorch, and these modules; use it in a `with` statement."""

    def __init__(self, *modules: str) -> None:
        self._command = [sys.executable, "-c", _PARENT, *modules]

    def __enter__(self) -> "Warm":
        self._process: Any = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def program(self, *words: str | Path, **options: Any) -> "subprocess.CompletedProcess[str]":
        """Run `tcltorch` with these words; the options are those of `run`."""
        script = "import runpy; runpy.run_module('pybridge', run_name='__main__', alter_sys=True)"
        return self.run(script, *map(str, words), **options)

    def drawn(self, *words: str | Path, **options: Any) -> "subprocess.CompletedProcess[str]":
        """Run `tcltorch` with a terminal of 80 columns for its standard error."""
        terminal, end = os.openpty()
        termios.tcsetwinsize(end, (24, 80))
        done = self.program(*words, errors=os.ttyname(end), **options)
        os.close(end)
        done.stderr = all_of(terminal).decode()
        os.close(terminal)
        return done

    def run(
        self,
        script: str,
        *words: str,
        folder: Path | str = ".",
        environment: Mapping[str, str] = os.environ,
        errors: str = "",
        whole_end: bool = False,
    ) -> "subprocess.CompletedProcess[str]":
        """Run a Python script with these words in sys.argv and without standard input.

        Args:
            errors: the path of what is its standard error, where that should not be in the result.
            whole_end: whether Python is to take itself and PyTorch apart at the end.
        """
        with tempfile.NamedTemporaryFile() as output, tempfile.NamedTemporaryFile() as said:
            request = {
                "script": script,
                "words": words,
                "folder": os.path.abspath(folder),
                "environment": dict(environment),
                "files": [output.name, errors or said.name],
                "whole_end": whole_end,
            }
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            status = int(self._process.stdout.readline())
            printed = [file.read().decode() for file in (output, said)]
        return subprocess.CompletedProcess([script, *words], status, *printed)
