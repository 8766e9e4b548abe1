"""What all tests share."""

import gc
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from pybridge import Interpreter
from pybridge.registry import BY_NAME, Command, Form
from tests import stand_in
from tests.daemons import Daemon, Nursery
from tests.warm import Warm

if TYPE_CHECKING:
    from tests.counting import CountingBackend

os.environ["TORCH_TCL_DAEMON"] = "0"  # a daemon of the user's has nothing to do with the tests
# In whatever locale the user works, programs that tests run read and write UTF-8, and speak English.
for name in [each for each in os.environ if each.startswith("LC_") or each == "LANGUAGE"]:
    del os.environ[name]
os.environ["LANG"] = "C.UTF-8"

# What has once passed in CI passes again; elsewhere each run tries other examples.
hypothesis.settings.register_profile("CI", derandomize=True)
if os.environ.get("CI"):
    hypothesis.settings.load_profile("CI")


# What a shell runs in the background ignores Ctrl-C and SIGQUIT, what nohup runs a hang-up; so would all it
# starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
for number in (signal.SIGHUP, signal.SIGQUIT):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)


# Files that take longest, beginning with the longest: pytest-xdist gives files out in the order of the tests,
# and what comes last should be short, or one worker ends long before the other. What the first compiles, the
# others take from the cache: were they beside it, both workers would compile it.
_LONG = (
    "test_fake_quantize_backends.py",
    "test_tcltest_counts.py",
    "test_docs.py",
    "test_tcltest_plugin.py",
    "test_worker.py",
    "test_worker_failures.py",
    "program.test",
    "test_hosts.py",
    "test_choose_quantization.py",
    "test_prompt.py",
    "test_examples.py",
    "test_bulk.py",
    "test_fake_quantize_kernels.py",
    "test_daemon_server.py",
    "test_daemon_control.py",
    "test_daemon_child.py",
    "test_prompt_ctrl_c.py",
    "test_tcltest_random.py",
    "test_tcltest_reports.py",
    "test_interpreter_end.py",
    "test_daemon_program.py",
    "test_both_transports.py",
    "test_command_state.py",
    "test_wheel.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first."""
    order = {name: at for at, name in enumerate(_LONG)}
    items.sort(key=lambda item: order.get(item.path.name, len(_LONG)))


def pytest_collection_finish() -> None:
    """What there is by now stays: a test that collects garbage need not look through all of PyTorch."""
    gc.collect()
    gc.freeze()


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """With TCLTORCH_NO_SKIPS set, as in CI, a test that would be skipped for want of a tool fails."""
    if (
        os.environ.get("TCLTORCH_NO_SKIPS")
        and call.excinfo
        and call.excinfo.errisinstance(pytest.skip.Exception)
    ):
        try:
            pytest.fail(f"skipped where nothing may be missing: {call.excinfo.value}")
        except pytest.fail.Exception:
            call.excinfo = pytest.ExceptionInfo.from_current()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests have to say: how many commands the generated ones cover."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "said" and report.when == "call":
                terminalreporter.write_line(value)


@pytest.fixture
def tcl() -> Iterator[Interpreter]:
    """An interpreter of the test's own."""
    with Interpreter() as interpreter:
        yield interpreter


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    """What runs scripts in processes that need not import PyTorch."""
    with Warm() as process:
        yield process


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """A process of which daemons and workers are forked."""
    made = Nursery()
    yield made
    made.close()


@pytest.fixture
def start_daemon(nursery: Nursery, tmp_path: Path) -> Iterator[Callable[..., Daemon]]:
    """Start daemons of the test's own."""
    started = []

    def begin(**options: float) -> Daemon:
        started.append(nursery.daemon(tmp_path, **options))  # type: ignore[arg-type]
        return started[-1]

    yield begin
    for each in started:
        each.stop()
        assert each.complaints() == []


@pytest.fixture
def daemon(start_daemon: Callable[..., Daemon]) -> Daemon:
    """A daemon of the test's own."""
    return start_daemon()


@pytest.fixture(scope="session")
def forking_python(nursery: Nursery) -> Iterator[Path]:
    """What stands in for Python in Tcl programs, where a test is not about the start of the worker."""
    with tempfile.TemporaryDirectory() as folder:  # a short path: it holds a socket
        yield nursery.python(Path(folder))
        stand_in.stop(Path(folder))


@pytest.fixture
def forked_workers(forking_python: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have tclsh get workers that need not import PyTorch."""
    monkeypatch.setattr("tests.stock_tclsh.python", str(forking_python))


@pytest.fixture
def replace_version(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Any]], None]:
    """Put another function behind the command torch::version."""

    def replace(function: Callable[..., Any]) -> None:
        command = Command("version", "about", "", ("version",), [Form(function)])
        monkeypatch.setitem(BY_NAME, "version", command)

    return replace


@pytest.fixture(params=["torch", "numba"])
def back_end(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> "CountingBackend":
    """Fake quantize by this back end, in more threads and pieces than small tensors are worth."""
    # They import PyTorch, which pytest needs neither to give tests out nor to run those in Tcl.
    from pybridge.quant import backend, fake_quantize
    from tests.counting import BACK_ENDS

    chosen = BACK_ENDS[request.param]
    chosen.runs = 0
    monkeypatch.setattr(backend, "_backend", chosen)
    monkeypatch.setattr(backend, "_LEAST_SHARE", 256)
    monkeypatch.setattr(backend, "_PIECE", 64)
    monkeypatch.setattr(fake_quantize, "_SMALL", 1)
    monkeypatch.setattr(fake_quantize, "_SMALL_MASKED", 1)
    return chosen
