"""The Tcl package in a tclsh of Debian's: what is required, what it leaves, children, safe interpreters."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pybridge import __version__
from pybridge.package import module_text
from pybridge.tcl_package import tcl_package
from tests.processes import eventually, is_running
from tests.stock_tclsh import start, tclsh

pytestmark = pytest.mark.usefixtures("forked_workers")
NAMES = """
proc names {} {
    list [info vars ::*] [info commands ::*] [namespace children ::]
}
proc added {} {
    set added {}
    foreach kind {variables commands namespaces} old $::before now [names] {
        foreach name [lsort $now] {
            if {$name ni $old} {
                lappend added $kind $name
            }
        }
    }
    return $added
}
set before {}
catch {package require none_of_this_name}
set before [names]
"""


def test_the_files_agree_on_the_version() -> None:
    versions = [
        re.findall(r"(?:ifneeded \S+|provide torch::tcltest|variable version) (\d\S*)", path.read_text())
        for path in sorted(Path(tcl_package()).rglob("*.tcl"))
    ]
    assert [each for each in versions if each] == [[__version__]] * 4  # both indexes, commands, match


def test_the_module_is_ascii_wherever_its_python_lies() -> None:
    assert module_text("/opt/\u00fc [x] $a \U0001f600/python").isascii()


def test_versions_and_ranges(tmp_path: Path) -> None:
    script = """
        foreach wanted {
            {torch} {torch 0.1} {-exact torch 0.1.0} {torch 0.1-} {torch 0.1-1} {torch 99 0.1-0.2}
            {torch 99} {torch 0.2-} {torch 0.0-0.1.0} {-exact torch 0.0.9}
        } {
            interp create child
            lappend outcomes [child eval [list catch [list package require {*}$wanted] message options]]
            puts [child eval {list $message}]
            interp delete child
        }
        puts $outcomes
    """
    *messages, outcomes = tclsh(tmp_path, script)
    assert outcomes == "0 0 0 0 0 0 1 1 1 1"
    assert messages[:6] == [__version__] * 6
    assert messages[6:] == [
        f"{{can't find package torch{needed}}}" for needed in (" 99", " 0.2-", " 0.0-0.1.0", " exactly 0.0.9")
    ]


def test_requiring_starts_nothing(tmp_path: Path) -> None:
    script = """
        package require torch
        puts [list [file exists $::argv] $::torch::_::process]
        puts [torch::version]
        puts [file exists $::argv]
    """
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\ntouch "{tmp_path}/started"\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    printed = tclsh(tmp_path, script, tmp_path / "started", variables={"TORCH_TCL_PYTHON": str(python)})
    assert printed == ["0 0", __version__, "1"]


def test_no_global_name_but_torch(tmp_path: Path) -> None:
    script = f"""{NAMES}
        proc use {{}} {{
            torch::local x [torch::zeros 2]
            torch::scope {{torch::tensor_to_list [torch::tensor_create {{1 2}}]}}
        }}
        set before [names]
        package require torch
        puts [added]
        use
        torch::async {{torch::handles}} ::list
        update
        catch {{torch nonsense}}
        coroutine chain apply {{{{}} {{torch::no_grad {{torch::ones 2}}}}}}
        torch::shutdown
        puts [added]
    """
    expected = "commands ::torch namespaces ::torch"
    assert tclsh(tmp_path, script) == [expected, expected]


def test_global_variables_of_any_name(tmp_path: Path) -> None:
    """Tcl 8.6 looks up in the global namespace what a namespace does not have."""
    script = """
        foreach name {commands version home source channel reason folder python utf8 number} {set $name 1}
        package require torch
        puts [torch::version]
    """
    assert tclsh(tmp_path, script) == [__version__]


def test_output_that_nobody_reads_costs_no_worker(tmp_path: Path) -> None:
    script = """
        package require torch
        torch::remote {puts [string repeat x 1000000]}
        puts stderr [torch::version]
    """
    reads, writes = os.pipe()
    os.close(reads)
    ended = start(tmp_path, script, stdout=writes)
    os.close(writes)
    assert ended.communicate(timeout=120)[1].split() == [__version__]


def test_delete_and_require_again(tmp_path: Path) -> None:
    script = """
        package require torch
        torch::handles
        set channels [llength [chan names]]
        foreach time {1 2} {
            lappend workers $::torch::_::process
            namespace delete ::torch
            package forget torch
            puts [list [expr {$channels - [llength [chan names]]}] [info commands ::torch]]
            puts [concat {*}[lmap command {vwait update coroutine interp} {trace info execution ::$command}]]
            after 1 {set waited 1}
            vwait waited
            update
            coroutine chain yield
            package require torch
            torch::handles
        }
        puts [expr {$::torch::_::process ni $workers}]
        puts $workers
    """
    *said, workers = tclsh(tmp_path, script)
    assert said == ["1 {}", "", "1 {}", "", "1"]
    eventually(lambda: not any(map(is_running, workers.split())))  # nobody waits for them


def test_forget_and_require_again_keeps_the_worker(tmp_path: Path) -> None:
    script = """
        package require torch
        torch::handles
        set worker $::torch::_::process
        package forget torch
        puts [package require torch]
        torch::handles
        puts [expr {$worker == $::torch::_::process}]
    """
    assert tclsh(tmp_path, script) == [__version__, "1"]


def test_a_lost_worker_leaves_no_claim_on_its_channel(tmp_path: Path) -> None:
    """The name of a closed channel is given away again, and its next owner has nothing to do with us."""
    script = """
        package require torch
        torch::handles
        set name $::torch::_::channel
        exec kill -9 $::torch::_::process
        catch {torch::handles} message
        puts [string match "the worker has ended*" $message]
        while {[set mine [open script.tcl]] ne $name && [incr i] < 100} {}
        namespace delete ::torch
        puts [list [expr {$mine eq $name}] [gets $mine]]
    """
    assert tclsh(tmp_path, script) == ["1", "1 {}"]


def test_children_have_workers_of_their_own(tmp_path: Path) -> None:
    script = """
        package require torch
        torch::zeros 2
        interp create child
        child eval {
            package require torch
            interp create grandchild
            grandchild eval {package require torch; torch::handles}
        }
        puts [child eval {torch::ones 3; torch::ones 3; torch::handles}]
        puts [torch::handles]
        foreach path {{} child {child grandchild}} {
            lappend workers [interp eval $path {set ::torch::_::process}]
        }
        interp delete child
        puts [lmap worker $workers {file exists /proc/$worker}]
        puts [torch::handles]
    """
    assert tclsh(tmp_path, script) == ["tensor0 tensor1", "tensor0", "1 0 0", "tensor0"]


def test_two_interpreters_in_one_process(forking_python: Path) -> None:
    program = f"""
import tkinter
first, second = tkinter.Tcl(), tkinter.Tcl()
for tcl in (first, second):
    tcl.eval("lappend auto_path {{{tcl_package()}}}; package require torch")
    tcl.eval("set ::torch::python {{{forking_python}}}")
first.eval("torch::zeros 2; torch::zeros 2")
second.eval("torch::zeros 2")
print(first.eval("torch::handles"), second.eval("torch::handles"), sep="|")
del first
print(second.eval("torch::handles"))
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert (ended.stdout, ended.stderr) == ("tensor0 tensor1|tensor0\ntensor0\n", "")


SAFE = """
proc outcome {script} {
    catch {safe eval $script} message options
    puts [list $message [expr {[dict exists $options -errorcode] ? [dict get $options -errorcode] : ""}]]
}
"""
ALIASED = f"""{SAFE}
interp alias safe ::torch::handles {{}} ::torch::handles
interp alias safe ::torch::tensor_shape {{}} ::torch::tensor_shape
outcome {{torch::handles}}
outcome {{torch::tensor_shape none}}
outcome {{torch::ones 2}}
"""
ANSWERS = [
    "{} {}",
    '{no such tensor "none"} {TORCH HANDLE none}',
    '{invalid command name "torch::ones"} {TCL LOOKUP COMMAND torch::ones}',
]


def test_a_safe_interpreter_has_what_its_parent_gives_it(tmp_path: Path) -> None:
    script = f"""
        package require torch
        interp create -safe safe
        {ALIASED}
        outcome {{package require torch}}
    """
    assert tclsh(tmp_path, script) == [*ANSWERS, "{can't find package torch} {TCL PACKAGE UNFOUND}"]


@pytest.mark.parametrize("first", ["alias", "require"])
def test_the_package_in_a_safe_base(tmp_path: Path, first: str) -> None:
    require = "safe eval {package require torch}"
    script = f"""
        package require torch
        set path [list [info library] {{{tcl_package()}}}]
        set nine [package vsatisfies [package provide Tcl] 9-]
        ::safe::interpCreate safe -accessPath $path {{*}}[expr {{$nine ? [list -autoPath $path] : ""}}]
        {require if first == "require" else ""}
        puts $::torch::_::process
        {ALIASED}
        {require}
        outcome {{torch handles}}
        outcome {{torch ones 2}}
        outcome {{::torch::_::call ones 2}}
        safe eval {{set ::torch::python /bin/true}}
        outcome {{::torch::_::start}}
        puts [safe eval {{info commands ::torch::*}}]
    """
    nothing, *said, started, commands = tclsh(tmp_path, script)
    assert nothing == "0"
    assert said[:3] == ANSWERS
    assert said[3:5] == [
        "{} {}",
        '{a safe interpreter has the commands of torch that its parent gives it, and "ones" is none: '
        "interp alias SAFE ::torch::ones {} ::torch::ones} {TORCH UNSUPPORTED ones}",
    ]
    assert said[5].startswith('{invalid command name "::torch::_::dispatch"}')
    assert "{TCL READ VARNAME}" in started  # nothing of a worker has begun there
    assert sorted(commands.split()) == ["::torch::handles", "::torch::tensor_shape"]
