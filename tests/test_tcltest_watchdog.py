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


def test_a_process_that_ctrl_c_has_seen_starting_is_watched():
    script = """
from pathlib import Path
from pybridge.tcltest import process_group

def interrupted(word, group):
    global started
    started = group
    os.kill(os.getpid(), 2)
    tell(word, group)

tell, watchdog._tell = watchdog._tell, interrupted
try:
    with open(os.devnull, "wb") as nothing:
        process_group.start_process(["sleep", "600"], Path("/"), nothing, nothing)
except KeyboardInterrupt:
    tell_and_wait(started)
"""
    process, (killed, watched) = told_by(script)
    with process:
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: not is_running(watched))


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

    monkeypatch.setattr(watchdog, "_shell", refuse)
    watchdog.watch(os.getpid())
    watchdog.leave(os.getpid())


def test_the_shell_is_no_child_that_a_test_may_wait_for():
    script = """
group = start()
watchdog.leave(group)
os.kill(group, 9)
os.waitpid(group, 0)
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    tell_and_wait()
"""
    process, told = told_by(script)
    with process:
        os.killpg(process.pid, signal.SIGKILL)
    assert told == [process.pid]


def test_the_shell_holds_no_file_of_a_test():
    script = "reads, writes = os.pipe()\nos.set_inheritable(writes, True)\nstart()\nos.close(writes)\n"
    process, told = told_by(script + "assert os.read(reads, 1) == b''\ntell_and_wait()")
    with process:
        os.killpg(process.pid, signal.SIGKILL)
    assert told == [process.pid]


def test_what_the_shell_does_not_know_can_be_left():
    script = "each = start(), start()\nwatchdog.leave(1 << 30)\nwatchdog.leave(each[1])\ntell_and_wait(*each)"
    process, (killed, watched, left) = told_by(script)
    with process:
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: not is_running(watched))
        assert is_running(left)
        os.kill(left, signal.SIGKILL)
