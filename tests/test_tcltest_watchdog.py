"""Processes end with the process that has them watched, however it ends."""

import os
import signal
import subprocess
import sys

import pytest

from pybridge.tcltest import watchdog
from tests.processes import eventually, is_running

START = """
import os, subprocess, sys, time
from pybridge.tcltest import watchdog

def start():
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    watchdog.watch(process.pid)
    return process.pid

def tell_and_wait(*processes):
    print(os.getpid(), *processes, flush=True)
    time.sleep(600)
"""


def told_by(script: str) -> "tuple[subprocess.Popen[str], list[int]]":
    process = subprocess.Popen(
        [sys.executable, "-c", START + script], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout
    return process, [int(word) for word in process.stdout.readline().split()]


@pytest.mark.parametrize(
    "script",
    [
        "tell_and_wait(start(), start())",
        # the fork's end of the pipe is closed
        "process = start()\nif os.fork(): tell_and_wait(process)\nelse: time.sleep(600)",
        # the fork has a shell of its own, and a fork in turn that closes nothing else
        "start()\nif os.fork(): time.sleep(600)\nprocess = start()\nif os.fork(): tell_and_wait(process)\n"
        "else: time.sleep(600)",
    ],
    ids=["several", "a fork lives on", "in a fork"],
)
def test_what_is_watched_ends_with_a_process_that_is_killed(script):
    process, (killed, *watched) = told_by(script)
    with process:
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: not any(map(is_running, watched)))
        os.killpg(process.pid, signal.SIGKILL)


def test_what_is_left_lives_on():
    script = "each = start(), start(), start()\nwatchdog.leave(each[1])\ntell_and_wait(*each)"
    process, (killed, first, left, third) = told_by(script)
    with process:
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: not is_running(first) and not is_running(third))
        assert is_running(left)
        os.kill(left, signal.SIGKILL)


def test_tests_go_on_without_a_shell(monkeypatch):
    def refuse(*_, **__):
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(os, "posix_spawnp", refuse)
    watchdog._shell.cache_clear()
    watchdog.watch(os.getpid())
