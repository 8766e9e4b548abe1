"""What a child of the daemon takes over from its client, its limits, and how it ends."""

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from pybridge.daemon import control as controls
from pybridge.tcl_list import split_list
from pybridge.worker.frames import Reader
from tests.daemons import TO_DAEMON, Daemon, Nursery, frame
from tests.processes import eventually, is_running, state


def test_a_child_takes_over_from_its_client(daemon: Daemon, tmp_path: Path) -> None:
    folder = tmp_path / "a \u00e9"
    folder.mkdir()
    script = (
        "cd [lindex [glob a*] 0]; set env(SPOKEN) {a b\u20ac}; unset -nocomplain env(LEFT)\n"
        "puts [torch::remote {list [pwd] $env(SPOKEN) [info exists env(LEFT)] [exec sh -c umask]}]"
    )
    before = os.umask(0o027)
    try:
        said = daemon.tclsh(f"fconfigure stdout -encoding utf-8\n{script}", LEFT="x")
    finally:
        os.umask(before)
    assert said == f"{{{folder}}} {{a b\u20ac}} 0 0027\n"


def test_a_client_in_another_locale(daemon: Daemon, tmp_path: Path) -> None:
    """Its folder, its environment and its arguments are the same bytes in the child."""
    (tmp_path / "a \u00e9\u20ac").mkdir()
    script = (
        "cd [lindex [glob a*] 0]; set env(SPOKEN) [pwd]\n"
        "torch::save_safetensors [dict create x [torch::ones 2]] one.safetensors\n"
        f"puts [file exists one.safetensors],[{TO_DAEMON}]\n"
        'puts [torch::remote {exec sh -c {test "$SPOKEN" = "$(pwd -P)" && echo same}}]'
    )
    assert daemon.tclsh(script, LC_ALL="C") == "1,1\nsame\n"


def test_a_daemon_in_an_environment_beyond_latin_1(nursery: Nursery, tmp_path: Path) -> None:
    """XDG_RUNTIME_DIR is part of it."""
    folder = tmp_path / "\u20ac"
    folder.mkdir()
    daemon = nursery.daemon(folder)
    eventually(lambda: [state(each) for each in daemon.children()] == ["S"])
    daemon.stop()
    assert (folder / "errors").read_text() == ""


def test_a_number_of_threads_that_is_none(daemon: Daemon) -> None:
    said = daemon.tclsh(f"torch::version; puts [{TO_DAEMON}]", OMP_NUM_THREADS="9" * 20)
    assert said == "1\n"


def test_what_libraries_read_later_is_the_clients(daemon: Daemon) -> None:
    """MKL reads its variables with the first product of floats, which must not be one of the daemon's."""
    said = daemon.tclsh(
        "set x [torch::ones {2 2}]; puts [torch::tensor_to_list [torch::tensor_matmul $x $x]]",
        MKL_VERBOSE="1",
    )
    assert "2.0 2.0 2.0 2.0\n" in said
    assert ("MKL_VERBOSE SGEMM" in said) == torch.backends.mkl.is_available()


def test_sitrep_tells_of_the_daemon(daemon: Daemon) -> None:
    tell = "puts [lrange [lsearch -inline [split [torch::sitrep] \\n] {runs in*}] 2 end]"
    # before and after a script, for which the worker has an interpreter of its own
    said = daemon.tclsh(f"{tell}; puts [torch::remote pid]; {tell}").splitlines()
    assert said[::2] == [f"process {said[1]}, a worker of the daemon's"] * 2
    told, process = daemon.tcltorch("-c", f"{tell}; puts [pid]").stdout.splitlines()
    assert told == f"process {process}, with Tcl, forked by the daemon"


def test_sitrep_tells_of_the_clients_tcl(daemon: Daemon) -> None:
    tell = "puts [lindex [lsearch -inline [split [torch::sitrep] \\n] {Tcl *}] 1]; puts [info patchlevel]"
    for said in (daemon.tclsh(tell), daemon.tcltorch("-c", tell).stdout):
        told, version = said.splitlines()
        assert told == version


def test_handles_are_the_clients_own(daemon: Daemon) -> None:
    make = "set x [torch::full 1 %d]; puts $x; flush stdout; gets stdin; puts [torch::handles]; "
    clients = [daemon.start_tclsh(make % value + "puts [torch::tensor_item $x]") for value in (3, 4)]
    for client in clients:
        assert client.stdout is not None
        assert client.stdout.readline() == "tensor0\n"
    assert [client.communicate("\n")[0] for client in clients] == ["tensor0\n3.0\n", "tensor0\n4.0\n"]


def sockets(process: int) -> set[str]:
    links = {os.readlink(path) for path in Path(f"/proc/{process}/fd").iterdir()}
    return {link for link in links if link.startswith("socket:")}


def test_a_child_has_only_its_own_sockets(daemon: Daemon) -> None:
    with daemon.connect() as half:
        half.sendall(daemon.hello()[:20])
        clients = [daemon.start_tclsh("puts [torch::remote pid]; flush stdout; gets stdin") for _ in range(2)]
        workers = [int(client.stdout.readline()) for client in clients if client.stdout]
        first, second = map(sockets, workers)
        assert not first & second
        assert [len(each & sockets(daemon.process)) for each in (first, second)] == [1, 1]  # to its client
        for client in clients:
            client.communicate("\n")


def test_random_numbers_are_not_those_of_another_client(daemon: Daemon) -> None:
    script = "puts [torch::tensor_to_list [torch::rand 3]]"
    assert daemon.tclsh(script) != daemon.tclsh(script)
    assert len({daemon.tclsh(f"torch::manual_seed 1; {script}") for _ in range(2)}) == 1


def test_a_client_that_dies_is_cleaned_up(daemon: Daemon) -> None:
    client = daemon.start_tclsh("puts [torch::remote pid]; torch::remote {while 1 {}}")
    assert client.stdout is not None
    worker = int(client.stdout.readline())
    assert worker in daemon.children()
    client.kill()
    client.communicate()
    eventually(lambda: not is_running(worker))
    eventually(lambda: len(daemon.children()) == 1)


def test_what_a_script_waits_for_ends_with_the_client(daemon: Daemon) -> None:
    client = daemon.start_tclsh(
        "puts [torch::remote pid]; torch::async {torch::remote {exec sleep 1000}} -command x; gets stdin"
    )
    assert client.stdout is not None
    worker = int(client.stdout.readline())
    eventually(lambda: len(children_of(worker)) == 1)
    (sleeper,) = children_of(worker)
    client.communicate("\n")
    eventually(lambda: not is_running(worker))
    eventually(lambda: not is_running(sleeper))


def children_of(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return [int(word) for task in tasks for word in task.read_text().split()]


@pytest.mark.parametrize(
    ("number", "request_", "said"),
    [
        pytest.param(signal.SIGUSR1, b"!async ones 1", ".*TORCH INTERRUPT.*", id="cancel waits"),
        pytest.param(signal.SIGINT, b"ones 1", r"0 tensor0 \{\} 1", id="interrupt ignored"),
    ],
)
def test_a_signal_as_soon_as_the_worker_is_known(
    number: int, request_: bytes, said: str, daemon: Daemon
) -> None:
    with daemon.connect() as client:
        client.sendall(daemon.hello())
        reader = Reader(client.fileno())
        client.settimeout(None)
        _, greeting, _ = reader.next() or pytest.fail("no greeting")
        os.kill(int(split_list(greeting)[2]), number)
        client.sendall(frame(request_, number=1))
        _, answer, _ = reader.next() or pytest.fail("no answer")
    assert re.fullmatch(said, answer, re.DOTALL)


def test_a_command_of_a_script_has_no_part_in_the_connection(daemon: Daemon) -> None:
    """One that goes on would keep the program from seeing that the worker has ended."""
    assert daemon.tclsh("puts [torch::remote {lsort -integer [exec ls /proc/self/fd]}]") == "0 1 2 3\n"


def test_a_program_has_no_part_in_the_log(daemon: Daemon) -> None:
    script = "foreach name [glob /proc/[pid]/fd/*] {catch {puts [file readlink $name]}}"
    said = daemon.tcltorch("-c", script).stdout
    assert "socket:" in said
    assert str(daemon.runtime / "errors") not in said


def test_a_worker_that_is_killed(daemon: Daemon) -> None:
    script = (
        "set x [torch::ones 1]\nexec kill -9 [torch::remote pid]\n"
        "puts [catch {torch::tensor_item $x} message options]\n"
        "puts [dict get $options -errorcode]\nputs $message\n"
        "puts [torch::restart]\nputs [torch::tensor_item [torch::full {} 5]]"
    )
    assert daemon.tclsh(script) == (
        "1\nTORCH CLOSED\n"
        "the worker has ended, and its handles with it: torch::restart starts another\n"
        "the handles of before are gone\n5.0\n"
    )


def test_the_daemon_has_one_thread_and_its_children_as_many_as_there_are_cores(daemon: Daemon) -> None:
    """A child that was forked after a parallel operation would hang in its first."""
    script = (
        "set x [torch::ones {2000 2000}]; set y [torch::tensor_matmul $x $x]\n"
        "set z [torch::fake_quantize_per_tensor [torch::full 1000000 0.7] 0.5 0 -8 7]\n"
        "foreach tensor [list $y $z] {puts [torch::tensor_item [torch::tensor_sum $tensor]]}\n"
        "puts [llength [glob /proc/$::torch::_::process/task/*]]"
    )
    said = [daemon.tclsh(script, TCLTORCH_KERNELS=kernels).split() for kernels in ("torch", "numba")]
    for product, quantized, threads in said:
        assert (product, quantized) == ("8000000000.0", "500000.0")
        assert int(threads) >= torch.get_num_threads()
    (_, _, single) = daemon.tclsh(script, TCLTORCH_KERNELS="torch", OMP_NUM_THREADS="1").split()
    assert int(single) == 1
    assert len(os.listdir(f"/proc/{daemon.process}/task")) == 1


def test_no_more_memory_than_allowed(start_daemon: Callable[..., Daemon]) -> None:
    script = (
        "puts [catch {torch::ones 200000000} message options]; puts [dict get $options -errorcode]\n"
        "puts [torch::tensor_item [torch::tensor_sum [torch::ones 1000000]]]"
    )
    assert start_daemon(memory=500_000_000).tclsh(script) == "1\nTORCH MEMORY\n1000000.0\n"


def test_the_least_memory_that_is_accepted_is_enough_to_compute(start_daemon: Callable[..., Daemon]) -> None:
    script = (
        "puts [torch::remote {set x [torch::ones {500 500}]}]\n"
        "puts [torch::tensor_item [torch::tensor_sum [torch::tensor_matmul tensor0 tensor0]]]"
    )
    daemon = start_daemon(memory=controls.least_memory())
    assert daemon.tclsh(script, TCLTORCH_KERNELS="torch") == "tensor0\n125000000.0\n"
    assert daemon.tcltorch("-c", script).stdout == "tensor0\n125000000.0\n"
