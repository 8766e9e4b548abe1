"""How kernels come to run: threads, memory, forks, interruptions, and what happens where they cannot."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

from pybridge import quant
from pybridge.quant import backend
from tests.bits import INTEGER, same
from tests.counting import CountingBackend
from tests.warm import Warm

ROOT = Path(__file__).parents[1]
PRELUDE = """
import os, sys, threading, time
import torch
from pybridge import quant
from pybridge.quant.backend import backend

def right(rows=64, columns=999, high=2**20):
    x = torch.linspace(-9, 9, rows * columns).reshape(rows, columns).requires_grad_()
    parameters = torch.linspace(0.01, 0.2, rows), torch.arange(rows, dtype=torch.int32), 0, -8, high
    ours = quant.fake_quantize_per_channel(x, *parameters)
    theirs = torch.fake_quantize_per_channel_affine(x, *parameters)
    gradients = [torch.autograd.grad(each.sin().sum(), x)[0] for each in (ours, theirs)]
    return torch.equal(ours, theirs) and torch.equal(*gradients)

def product(dtype=torch.float32):
    # the kernel that takes least time to compile
    kernel = backend().kernel(f"backward {str(dtype)[6:]}")
    gradient, mask = torch.linspace(-9, 9, 999).to(dtype), torch.arange(999) % 3 == 0
    result = torch.empty_like(gradient)
    backend().run(kernel, (gradient, mask, result), count=999)
    return torch.equal(result, gradient * mask)

def settle():
    while (compiler := backend()._compiler) is not None:
        compiler.join()
"""

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Said = Callable[..., list[str]]


def python_of(warm: Warm) -> Run:
    """Run a script of its own, without what this process has in its environment for kernels."""

    def run(
        script: str, prelude: str = PRELUDE, whole_end: bool = False, **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("TCLTORCH", "NUMBA"))
        }
        return warm.run(
            prelude + script, folder=ROOT, environment=inherited | environment, whole_end=whole_end
        )

    return run


def said_by(python: Run) -> Said:
    """The lines that a script prints; it must end well, and say nothing on standard error."""

    def run(script: str, **options: Any) -> list[str]:
        done = python(script, **options)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout.splitlines()

    return run


@pytest.fixture
def python(warm: Warm) -> Run:
    return python_of(warm)


@pytest.fixture
def said(python: Run) -> Said:
    return said_by(python)


@pytest.fixture(scope="module")
def warm_numba() -> Iterator[Warm]:
    """Here numba is imported, too, which takes more than a second."""
    with Warm("numba", "numba.core.caching", "numba.core.ccallback", "numba.extending") as process:
        yield process


@pytest.fixture
def said_with_numba(warm_numba: Warm) -> Said:
    """What scripts print that are about kernels, but not about how numba comes to be imported."""
    said = said_by(python_of(warm_numba))
    settings = "import numba\nnumba.config.reload_config()\n"
    return lambda script, **options: said(settings + PRELUDE + script, prelude="", **options)


@pytest.fixture
def threads() -> Iterator[None]:
    """PyTorch's number of threads is put back."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def placed(numbers: torch.Tensor, offset: int) -> torch.Tensor:
    """A copy that starts `offset` bytes after an address that suits any vector."""
    memory = torch.empty(numbers.nbytes + 128, dtype=torch.uint8).numpy()
    start = -memory.ctypes.data % 64 + offset
    return torch.frombuffer(memory, dtype=numbers.dtype, count=numbers.numel(), offset=start).copy_(numbers)


@pytest.mark.parametrize("dtype", INTEGER)
@pytest.mark.parametrize("columns", [1, 3, 31, 32, 65, 997])
@pytest.mark.usefixtures("threads")
def test_threads_and_alignment_change_nothing(
    columns: int, dtype: torch.dtype, back_end: CountingBackend
) -> None:
    scale, zero_point = torch.linspace(0.01, 0.2, 11), torch.arange(11, dtype=torch.int32)
    numbers = torch.linspace(-9, 9, 2 * 11 * columns).to(dtype)
    results = []
    for count in 1, 2, 3, 7:
        torch.set_num_threads(count)
        for offset in 0, 1, 4, 30, 63:
            x = placed(numbers, offset).reshape(2, 11, columns).requires_grad_()
            result = quant.fake_quantize_per_channel(x, scale, zero_point, 1, -8, 99)
            gradient = placed(numbers.flip(0), offset).reshape(x.shape)
            results.append((result, *torch.autograd.grad(result, x, gradient)))
    for each in results:
        assert all(map(same, each, results[0]))
    assert (back_end.runs == 40) == (back_end.choice == "numba")


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("count", [1, 2])
def test_flushed_denormals_are_left_to_pytorch(count: int, back_end: CountingBackend) -> None:
    """It flushes in the caller's thread alone, and which thread has which element is its own choice."""
    torch.set_num_threads(count)
    x = torch.linspace(-1e-38, 1e-38, 100_000)
    assert torch.set_flush_denormal(True)
    try:
        for scale in (1e-40, 1e-38, 0.1):
            ours = quant.fake_quantize_per_tensor(x, scale, 0, -128, 127)
            assert same(ours, torch.fake_quantize_per_tensor_affine(x, scale, 0, -128, 127))
    finally:
        torch.set_flush_denormal(False)
    assert back_end.runs == 0
    assert same(quant.fake_quantize_per_tensor(x, 1e-39, 0, -128, 127), ours) is False
    assert (back_end.runs == 1) == (back_end.choice == "numba")


@pytest.mark.usefixtures("back_end")
def test_callers_on_several_threads() -> None:
    def run(seed: int) -> bool:
        x = torch.linspace(-seed, seed, 5000).requires_grad_()
        ours = quant.fake_quantize_per_tensor(x, 0.03, seed, -8, 99)
        theirs = torch.fake_quantize_per_tensor_affine(x, 0.03, seed, -8, 99)
        gradients = [torch.autograd.grad(each.sin().sum(), x)[0] for each in (ours, theirs)]
        return same(ours, theirs) and same(*gradients)

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(run, list(range(1, 90))))


def until_interrupted(timer: threading.Timer, action: Callable[[], object]) -> None:
    timer.start()
    end = time.monotonic() + 2
    while time.monotonic() < end:
        action()


def test_interruption_leaves_everything_usable(back_end: CountingBackend) -> None:
    x = torch.linspace(-5, 5, 1 << 20)
    expected = torch.fake_quantize_per_tensor_affine(x, 0.03, 1, -8, 99)
    for delay in (0.001, 0.003, 0.01, 0.02, 0.03):
        timer = threading.Timer(delay, signal.raise_signal, [signal.SIGINT])
        with contextlib.suppress(KeyboardInterrupt):  # Python swallows one that strikes in a finalizer
            until_interrupted(timer, lambda: quant.fake_quantize_per_tensor(x, 0.03, 1, -8, 99))
        timer.join()
        assert same(quant.fake_quantize_per_tensor(x, 0.03, 1, -8, 99), expected)


def test_nothing_outside_of_the_tensors_is_touched(warm_numba: Warm) -> None:
    script = "import runpy; runpy.run_module('tests.guard_pages', run_name='__main__', alter_sys=True)"
    done = warm_numba.run(script, folder=ROOT)
    assert (done.returncode, done.stdout) == (0, "nothing outside was touched\n"), done
    assert warm_numba.run(script, "--outside", folder=ROOT).returncode == -signal.SIGSEGV


def test_forked_children_go_on(said_with_numba: Said) -> None:
    """PyTorch's threads are gone in a child: its operators would wait for them, kernels do not."""
    script = """
torch.set_num_threads(2)
x = torch.linspace(-9, 9, 1 << 20)
expected = quant.fake_quantize_per_tensor(x, 0.1, 0, -8, 7)
print(right(1024, 1024), torch.equal(expected, torch.fake_quantize_per_tensor_affine(x, 0.1, 0, -8, 7)))
sys.stdout.flush()
child = os.fork()
if not child:
    found = quant.fake_quantize_per_tensor(x, 0.1, 0, -8, 7)
    torch.set_num_threads(1)
    print(torch.equal(found, expected), right(1024, 1024), right(64, 2000), backend().describe())
    sys.exit()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), right(1024, 1024))
"""
    first, second, third = said_with_numba(script, TCLTORCH_KERNELS="numba")
    assert (first, third) == ("True True", "0 True")
    assert second == "True True True numba, 4 compiled; PyTorch for the rest"


COMPILING = """
for dtype in "float32", "float64", "bfloat16":
    backend().kernel(f"backward {dtype}")
while "numba" not in sys.modules:
    time.sleep(0.001)
"""


def test_children_forked_while_compiling_do_not_wait_for_ever(said: Said, tmp_path: Path) -> None:
    """A thread that no child has holds numba's locks, and half of numba is imported."""
    script = (
        COMPILING
        + """
children, compiling = [], set()
for _ in range(4):
    compiling.add(bool(backend()._compiling))
    children.append(os.fork())
    if not children[-1]:
        torch.set_num_threads(1)
        ok = right()
        settle()
        sys.exit(not (ok and right() and "forked" in backend().describe()))
    time.sleep(0.2)
print(compiling, {os.waitpid(child, 0)[1] for child in children}, right())
"""
    )
    assert said(script, NUMBA_CACHE_DIR=str(tmp_path)) == ["{True} {0} True"]


def test_by_default_pytorch_answers_until_kernels_are_compiled(said: Said) -> None:
    script = """
backend()
assert quant.fake_quantize_per_tensor(torch.ones(9), 0.1, 0, -8, 7)[0] > 0.6
print("numba" in sys.modules, backend().describe())
print(right(), backend()._kernels["forward_masked float32"], backend()._compiler is not None)
settle()
print(right(), backend()._kernels["forward_masked float32"] is not None)
settle()
print(right(), backend().describe())
"""
    first, second, third, last = said(script)
    assert first == "False numba, 0 compiled; PyTorch for the rest"
    assert second == "True None True"
    assert third == "True True"
    assert last == "True numba, 3 compiled; PyTorch for the rest"


def test_a_process_that_ends_while_compiling_ends_well(said: Said, tmp_path: Path) -> None:
    """It waits for the kernel that is being compiled, and has no other compiled."""
    script = (
        COMPILING
        + """
print(backend()._compiling)
"""
    )
    assert said(script, whole_end=True, NUMBA_CACHE_DIR=str(tmp_path)) == ["['backward float32']"]
    assert len(list(tmp_path.rglob("*.nbc"))) == 1


def test_kernels_run_when_the_interpreter_ends(said_with_numba: Said) -> None:
    """In a function of atexit no thread can be started, and none is left of a pool."""
    script = """
import atexit
torch.set_num_threads(2)
atexit.register(lambda: print(right(256, 1024), right(1, 1 << 18)))
if sys.argv[1:]:
    right(256, 1024)
"""
    used = "import sys; sys.argv.append('used')\n"
    for before in "", used:
        assert said_with_numba(before + script, whole_end=True, TCLTORCH_KERNELS="numba") == ["True True"]


def test_kernels_are_compiled_once_for_all_processes(said_with_numba: Said, tmp_path: Path) -> None:
    script = "print(product(), backend().kernel('backward float32').cache_hits)"
    environment = {"NUMBA_CACHE_DIR": str(tmp_path), "TCLTORCH_KERNELS": "numba"}
    assert said_with_numba(script, **environment) == ["True 0"]
    assert said_with_numba(script, **environment) == ["True 1"]
    files = list(tmp_path.rglob("*.nb?"))
    assert len(files) == 2
    for path in files:
        path.write_bytes(b"broken")
    assert said_with_numba(script, **environment) == ["True 0"]


def test_kernels_of_the_cache_and_new_ones_do_not_take_each_others_place(
    said_with_numba: Said, tmp_path: Path
) -> None:
    """They come of one text: the linker must not take one for another, whichever came first."""
    script = """
def right(masked):
    x = torch.linspace(-9, 9, 50_000).requires_grad_(masked)
    ours = quant.fake_quantize_per_tensor(x, 0.1, 3, -8, 7)
    return torch.equal(ours, torch.fake_quantize_per_tensor_affine(x, 0.1, 3, -8, 7))

print(*map(right, ORDER), backend().describe())
"""
    environment = {"NUMBA_CACHE_DIR": str(tmp_path), "TCLTORCH_KERNELS": "numba"}
    end = "numba, {} compiled; PyTorch for the rest"
    assert said_with_numba("ORDER = [False]" + script, **environment) == ["True " + end.format(1)]
    assert said_with_numba("ORDER = [True, False]" + script, **environment) == ["True True " + end.format(2)]


def test_without_a_folder_for_the_cache_kernels_are_compiled_each_time(said_with_numba: Said) -> None:
    script = """
from numba.core import caching

def refuse(self):
    raise OSError("no folder can be written")

caching._CacheLocator.ensure_cache_path = refuse
kept = backend().kernel("backward float32")._cache
print(product(), isinstance(kept, caching.NullCache), backend().describe())
"""
    lines = said_with_numba(script, TCLTORCH_KERNELS="numba")
    assert lines == ["True True numba, 1 compiled; PyTorch for the rest"]


def test_without_numba_pytorch_does_it(said: Said) -> None:
    block = "import sys; sys.modules['numba'] = None"
    (line,) = said("right(); settle(); print(right(), backend().describe())", prelude=block + PRELUDE)
    assert line.startswith("True PyTorch (")
    assert "ModuleNotFoundError: import of numba halted" in line


def test_pytorch_can_be_chosen(said: Said) -> None:
    (line,) = said("print(right(), 'numba' in sys.modules, backend().describe())", TCLTORCH_KERNELS="torch")
    assert line == "True False PyTorch (TCLTORCH_KERNELS=torch)"


def test_a_choice_that_there_is_not(python: Any) -> None:
    done = python("right()", TCLTORCH_KERNELS="bogus")
    assert done.returncode == 1
    assert (
        done.stderr.splitlines()[-1] == 'ValueError: TCLTORCH_KERNELS must be torch or numba but is "bogus"'
    )


def test_a_kernel_that_cannot_be_compiled_is_replaced_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    from pybridge.quant import compiled

    def refuse() -> bool:
        raise NotImplementedError("this CPU has no adder\nat all")

    monkeypatch.setattr(compiled, "_has_float16", refuse)
    chosen = backend.Backend("numba")
    assert chosen.kernel("backward float16") is None
    assert chosen.kernel("backward float32") is not None
    said = "1 compiled; backward float16: NotImplementedError: this CPU has no adder; PyTorch for the rest"
    assert chosen.describe() == f"numba, {said}"


def test_a_compilation_that_ctrl_c_interrupts_is_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from pybridge.quant import compiled

    def interrupted(name: str) -> None:
        raise KeyboardInterrupt

    chosen = backend.Backend("numba")
    with monkeypatch.context() as patched:
        patched.setattr(compiled, "compile", interrupted)
        with pytest.raises(KeyboardInterrupt):
            chosen.kernel("backward float32")
    assert chosen.kernel("backward float32") is not None


def test_a_thread_that_cannot_start_is_made_up_for(said: Said) -> None:
    script = """
def full(self):
    raise RuntimeError("can't start new thread")
start, threading.Thread.start = threading.Thread.start, full
print(right(), backend().describe())
threading.Thread.start = start
right()
settle()
right()
settle()
print(right(), backend().describe())
"""
    said_of = said(script)
    assert said_of[0] == "True numba, 0 compiled; PyTorch for the rest"
    assert said_of[1].startswith("True numba, 3 compiled")


def test_a_handler_may_come_while_the_thread_starts(said: Said) -> None:
    script = """
import signal
start = threading.Thread.start
def interrupted(self):
    signal.raise_signal(signal.SIGALRM)
    start(self)
threading.Thread.start = interrupted
signal.signal(signal.SIGALRM, lambda *_: print(right(32)))
print(right())
settle()
"""
    assert said(script) == ["True", "True"]


def test_a_child_forked_while_one_of_two_threads_compiles(said_with_numba: Said) -> None:
    script = """
from pybridge.quant import compiled
compile, going = compiled.compile, threading.Event()
def slow(name):
    if name.startswith("backward"):
        going.wait()
    return compile(name)
compiled.compile = slow
chosen = backend()
thread = threading.Thread(target=chosen.kernel, args=["backward float32"])
thread.start()
chosen.kernel("inside int32")
child = os.fork()
if not child:
    print(chosen.describe(), flush=True)
    os._exit(0)
os.waitpid(child, 0)
going.set()
"""
    assert said_with_numba(script, TCLTORCH_KERNELS="numba") == ["PyTorch (forked while numba was compiling)"]


def test_what_numba_compiles_for_decides_about_float16(said: Said) -> None:
    script = """
x = torch.linspace(-9, 9, 5000).to(torch.float16)
ours = quant.fake_quantize_per_tensor(x, 0.1, 3, -8, 7)
print(torch.equal(ours, torch.fake_quantize_per_tensor_affine(x, 0.1, 3, -8, 7)), backend().describe())
"""
    environment = {"TCLTORCH_KERNELS": "numba", "NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    (line,) = said(script, **environment)
    assert line.startswith("True numba, 0 compiled; forward float16: NotImplementedError: this CPU does not")


def test_other_machines_have_no_kernels(said: Said) -> None:
    """The x86 conversion of huge numbers to integers is what PyTorch's results come from."""
    script = """
import platform
platform.machine = lambda: "aarch64"
print(right(), backend().describe())
"""
    (line,) = said(script, TCLTORCH_KERNELS="numba")
    assert line.startswith("True PyTorch (ImportError: no kernels for aarch64")


def test_without_openmp_one_thread_does_it(said_with_numba: Said) -> None:
    script = """
from pybridge.quant import threads
torch.set_num_threads(2)
for library in "/no/such/libgomp.so.1", "libc.so.6":
    threads._loaded = lambda: [library]
    threads.team.cache_clear()
    print(right(256, 1024), threads.team())
"""
    assert said_with_numba(script, TCLTORCH_KERNELS="numba") == ["True None", "True None"]


def test_work_is_done_in_pytorchs_threads(said_with_numba: Said) -> None:
    """The process has as many threads afterwards as PyTorch alone would have."""
    script = """
from pathlib import Path
def count():
    return len(list(Path("/proc/self/task").iterdir()))
torch.set_num_threads(3)
(torch.ones(1 << 22) + 1).sum()
before = count()
print(right(1024, 1024), count() - before, before >= 3)
"""
    assert said_with_numba(script, TCLTORCH_KERNELS="numba") == ["True 0 True"]


def test_importing_is_lean(said: Said) -> None:
    script = "import sys; from pybridge import quant; print('numba' in sys.modules)"
    assert said(script, prelude="") == ["False"]


def test_a_tensor_kept_alive_by_nobody_else(back_end: CountingBackend) -> None:
    """Scale, zero point and a copy of the input live as long as the kernel needs them."""
    for _ in range(50):
        x = torch.linspace(-5, 5, 4 * 2500).reshape(4, 2500)[:, ::2]
        ours = quant.fake_quantize_per_channel(
            x, torch.full((8,), 0.1)[::2], torch.ones(8, dtype=torch.int32)[::2], 0, -8, 7
        )
        assert same(ours, torch.fake_quantize_per_tensor_affine(x, 0.1, 1, -8, 7))
