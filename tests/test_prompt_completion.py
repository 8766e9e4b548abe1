"""What the Tab key offers."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import to_plain_text

from pybridge import Interpreter
from pybridge.prompt.completion import TclCompleter
from pybridge.registry import BY_NAME, COMMANDS
from pybridge.values import DTYPES
from tests.terminal import CTRL_E, ENTER, ESC, TAB, Terminal


def offers(tcl: Interpreter, text: str) -> list[str]:
    """What is offered in the place of the word before the cursor."""
    found = TclCompleter(tcl).get_completions(Document(text), CompleteEvent(completion_requested=True))
    return [each.text for each in found]


@pytest.fixture(scope="module")
def filled() -> Iterator[Interpreter]:
    with Interpreter() as tcl:
        tcl.eval(
            "set a [torch::ones {2 3}]; set b [torch::zeros 4 -dtype int64]; set bar [torch::progress_bar 3]"
        )
        tcl.eval(
            "set ::names(first) 1; set ::names(second) 2;"
            r"array set ::net {data\[0\] 1 data\[1\] 2 d\$x 3 d\) 4 {d e} 5 d\\ 6 d\} 7 \"d\\n\" 8};"
            "namespace eval space {variable inner 1; proc work {} {}}"
        )
        tcl.eval("""
            namespace eval outer {
                proc deep {} {}
                proc plain {} {}
                namespace ensemble create -command ::outer::in -map {deep ::outer::deep}
                namespace ensemble create -map {inner ::outer::in plain ::outer::plain}
            }
            namespace eval tool {
                proc run {} {}
                proc stop {} {}
                proc Own {} {}
                namespace export {[a-z]*}
                namespace ensemble create
            }
        """)
        tcl.eval("set {odd name} 1; proc helper_one {} {}; proc helper_two {} {}")
        tcl.eval("set record {bits 4 scale tensor0 {odd key} 1 nested {left 1 right 2}}; set twice {a 1 a 2}")
        tcl.eval(r'set bad [list a "x \{" b 1]; namespace eval space {variable unset_yet}')
        yield tcl


_ELEMENTS = [
    r"net(d\ e)",
    r"net(d\$x)",
    r"net(d\))",
    r"net(d\\)",
    r"net(data\[0\])",
    r"net(data\[1\])",
    r"net(d\})",
]
COMPLETIONS = [
    # elements of arrays, of which Tcl is to substitute nothing
    ("puts $net(d", _ELEMENTS),
    ('puts "$net(d', _ELEMENTS),
    ("set net(d", _ELEMENTS),
    (r"puts $net(data\[1", [r"net(data\[1\])"]),
    ("puts ${net(data", ["net(data[0])}", "net(data[1])}"]),
    # commands
    ("helper_", ["helper_one", "helper_two"]),
    ("set x [helper_o", ["helper_one"]),
    ("if 1 {\n  helper_t", ["helper_two"]),
    ('puts "a [helper_o', ["helper_one"]),
    ("expr 1; helper_o", ["helper_one"]),
    ("space::", ["space::work"]),
    ("::space::w", ["::space::work"]),
    ("spac", ["space::"]),
    ("torch::quantize_per_c", ["torch::quantize_per_channel"]),
    ("::torch::quantizePerC", ["::torch::quantizePerChannel"]),
    ("torch quantize_per_c", ["quantize_per_channel"]),
    ("string le", ["length"]),
    ("info cmd", ["cmdcount"]),
    ("outer ", ["inner", "plain"]),
    ("tool ", ["run", "stop"]),  # what the namespace exports, and no other of its commands
    ("outer inner de", ["deep"]),
    ("outer plain de", []),
    # options
    ("torch::quantize_per_channel -zero", ["-zero_points"]),
    ("torch::quantizePerChannel -zero", ["-zeroPoints"]),
    ("torch quantizePerChannel -zero", ["-zeroPoints"]),
    ("torch::ones 2 -requires_", ["-requires_grad"]),
    ("torch::ones 2 -requiresG", ["-requiresGrad"]),
    ("torch::ones {2 3} -requires_grad 1 -requires", []),
    ("torch::ones -no_such 1 -dt", []),
    # values
    ("torch::ones 2 -dtype float3", ["float32"]),
    ("torch::ones 2 -dtype complex", ["complex64", "complex128"]),
    ("torch::ones 2 -device me", ["meta"]),
    ("torch::ones 2 -requires_grad ", ["0", "1"]),
    ("torch::quantization_sweep $x {4 8} per_g", ["per_group"]),
    ("torch::ones -- 2 flo", ["float32", "float64", "float16", "float8_e4m3fn", "float8_e5m2"]),
    ("torch::ones -- 2 -dt", []),
    ("torch::ones -dtype -- -dev", ["-device"]),
    ("torch::full 2 -value -", []),
    ("torch::version -nosuch ", []),
    # in quotes and braces
    ('torch::ones 2 -dtype "float3', ["float32"]),
    ('torch::tensor_add "tensor', ["tensor1", "tensor0"]),
    ('torch::tensor_add "$nam', ["names"]),
    ('torch::ones 2 "-dt', []),
    ('string "le', ["length"]),
    ('set "nam', ["names"]),
    ('puts "tensor0 torch::on', []),
    ("torch::tensor_add {tensor", ["tensor1", "tensor0"]),
    ("torch::tensor_add {$nam", ["names"]),
    ("torch::ones 2 -dtype {float3", ["float32"]),
    ("torch tensor_add {tensor", ["tensor1", "tensor0"]),
    ("torch::scope {helper_o", ["helper_one"]),
    ("torch::scope {torch::tensor_add {tensor", ["tensor1", "tensor0"]),
    ("string {le", []),
    ("set {nam", ["namespace"]),
    ("torch::free tensor1 tensor", ["tensor1", "tensor0"]),
    ("torch::tensor_add -input1 tensor1 tensor", []),
    ("torch::help tensor0", []),
    # names of commands
    ("torch::help -- quantize_per_c", ["quantize_per_channel"]),
    ("torch::help quantize_per_c", ["quantize_per_channel"]),
    ("torch::help torch::quantizePerC", ["torch::quantizePerChannel"]),
    ("torch::help -topic ::torch::quantize_per_c", ["::torch::quantize_per_channel"]),
    ("torch info usage quantize_per_c", ["quantize_per_channel"]),
    ("torch::info default quantize_per_channel quantize_per_c", []),
    ("torch::help create", ["create"]),
    ("torch help rand", ["rand", "randint", "randn", "random"]),
    ("torch::help obse", ["observe", "observer", "observer_state"]),
    ("torch::help -topic hard", ["hardware"]),
    ("torch::help torch::hard", []),
    ("torch::info args hard", []),
    # names of parameters
    ("torch::info default zeros ", ["shape", "dtype", "device", "requires_grad", "-parameter"]),
    ("torch::info default zeros d", ["dtype", "device"]),
    ("torch::info default ::torch::zeros requires", ["requires_grad"]),
    ("torch::info default zeros requiresG", ["requiresGrad"]),
    ("torch info default zerosLike req", ["requiresGrad"]),
    ("torch::info default scope ", ["body", "-parameter"]),
    ("torch::info default zerso ", ["-parameter"]),
    ("torch::info -subject default -command zeros -parameter s", ["shape"]),
    ("torch::info default -command zeros -parameter s", ["shape"]),
    ("torch::info default -- zeros s", ["shape"]),
    ("torch::info default -parameter s", []),
    ("torch::apropos quantize_per_c", []),
    # variables
    ("puts $space::i", ["space::inner"]),
    ("puts $::space::i", ["::space::inner"]),
    ("puts $torch::", []),
    ("puts ${space::i", ["space::inner}"]),
    ("puts $names(f", ["names(first)"]),
    ("puts $names(", ["names(first)", "names(second)"]),
    ('puts "x $nam', ["names"]),
    ("puts $nosuch(", []),
    ("set nam", ["names"]),
    ("proc f {weights {width 4} {way {}} args} {puts $w", ["weights", "width", "way"]),
    ("proc f weights {\n    set width 3\n    puts ${wi", ["width}"]),
    ("proc f {} {\n    lassign $x first second\n    puts $s", ["second"]),
    ("proc f {} {\n    variable sum\n    gets $channel sign\n    puts $s", ["sum", "sign"]),
    ("proc f {} {\n    gets stdin answer\n    puts $s", []),
    ("proc f {} {\n    lassign [split $x ,] first second\n    puts $s", ["second"]),
    ("proc f {} {\n    lassign {1 sign} first second\n    puts $s", ["second"]),
    ('proc f {} {\n    lassign "1 sign" first second\n    puts $s', ["second"]),
    ("proc f {} {\n    lassign [split abc sep] first\n    puts $s", []),
    ("foreach {one other} {1 2} {puts $o", ["one", "other"]),
    ("dict for {key value} $d {lappend kinds $key; puts $k", ["key", "kinds"]),
    ("set zeros [llength $z", []),
    # keys of dicts
    ("dict get $record ", ["bits", "scale", "nested"]),
    ("puts [dict get $record sc", ["scale"]),
    ("dict get ${record} nested ", ["left", "right"]),
    ("dict exists $::record nested le", ["left"]),
    ("dict get $record nested left ", []),
    ("dict get $record nosuch ", []),
    ("dict set record b", ["bits"]),
    ("dict get record b", []),
    ("dict get $names ", []),
    ("dict get $nosuch ", []),
    ("dict keys $record b", []),
    ("dict get $bad a ", []),
    ("dict get $bad ", ["a", "b"]),
    ("dict get $twice ", []),
    ("dict get $space::unset_yet ", []),
    # commands where one is named
    ("namespace import torch::quantize_per_c", ["torch::quantize_per_channel"]),
    ("namespace import torch::_", []),
    ("rename helper_o", ["helper_one"]),
    ("info body helper_o", ["helper_one"]),
    # nothing
    ("# torch::ten", []),
    ("puts {*", []),
    ('puts "hel', []),
]


@pytest.mark.parametrize(("text", "expected"), COMPLETIONS)
def test_completions(filled: Interpreter, text: str, expected: list[str]) -> None:
    assert offers(filled, text) == expected


def test_elements_are_written_as_tcl_reads_them(filled: Interpreter) -> None:
    assert [filled.eval(f"set {each}") for each in _ELEMENTS] == ["5", "3", "4", "6", "1", "2", "7"]
    assert [filled.eval(f"string cat ${each}") for each in _ELEMENTS] == ["5", "3", "4", "6", "1", "2", "7"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "torch::is_grad_e",
            (
                "torch::is_grad_enabled",
                "is_grad_enabled",
                "Return 1 when gradients are recorded here, else 0.",
            ),
        ),
        (
            "torch::con",
            ("torch::conv2d", "conv2d", "Convolve images with kernels (`torch.nn.functional.conv2d`)."),
        ),
        (
            "torch::ara",
            ("torch::arange", "arange", "Make a 1-D tensor of evenly spaced numbers, the end left out."),
        ),
        (
            "torch help ara",
            ("arange", "arange", "Make a 1-D tensor of evenly spaced numbers, the end left out."),
        ),
        (
            "torch help hard",
            ("hardware", "hardware", "Integers in files that hardware tools load, and back."),
        ),
        ("torch::info default zeros dev", ("device", "device", "device, optional")),
        ("torch::ones 2 -requires_", ("-requires_grad", "-requires_grad", "boolean value, 0 by default")),
        (
            "torch::export_integers -ord",
            ("-order", "-order", "one of row (default), column"),
        ),
        ("torch::quantize_per_tensor -zero", ("-zero_point", "-zero_point", "integer")),
        ("torch::tensor_add tensor0", ("tensor0", "tensor0", "float32 [2, 3]")),
        ("::space::w", ("::space::work", "work", "")),
        ("puts $space::i", ("space::inner", "inner", "")),
        ("puts ${names(f", ("names(first)}", "first)}", "")),
        ("source data/../term", ("data/../terminal.tcl", "terminal.tcl", "")),
        ("string le", ("length", "length", "")),
    ],
)
def test_what_the_menu_shows(
    filled: Interpreter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    shown: tuple[str, str, str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "terminal.tcl").touch()
    found = TclCompleter(filled).get_completions(Document(text), CompleteEvent())
    texts = [(each.text, to_plain_text(each.display), to_plain_text(each.display_meta)) for each in found]
    assert texts == [shown]


def test_a_handle_that_cannot_be_summed_up(tcl: Interpreter) -> None:
    class Refusing:
        handle_kind = "refusing"

        @property
        def summary(self) -> str:
            raise RuntimeError("not today")

    name = tcl.dispatcher.table.add("refusing", Refusing())
    found = TclCompleter(tcl).get_completions(Document(f"torch::free {name}"), CompleteEvent())
    assert [to_plain_text(each.display_meta) for each in found] == ["(not today)"]


def test_live_handles_of_the_right_kind(filled: Interpreter) -> None:
    tensors = [filled.eval("set b"), filled.eval("set a")]  # the latest first
    for text in (
        "torch::tensor_add ",
        "torch::tensor_add -input1 ",
        "torch::tensor_add tensor1 ",
        "torch tensor_add ",
    ):
        assert [each for each in offers(filled, text) if not each.startswith("-")] == tensors
    assert filled.eval("set bar") in offers(filled, "torch::free ")


def test_every_command_in_both_spellings(tcl: Interpreter) -> None:
    snake, camel = (
        set(offers(tcl, "torch::")),
        set(offers(tcl, "torch::version; set x [torch::isGradEnabled]; torch::")),
    )
    assert {f"torch::{name}" for name in COMMANDS} <= snake
    assert snake | camel == {f"torch::{name}" for name in BY_NAME}


def test_own_names_come_before_other_aliases(tcl: Interpreter) -> None:
    own = sorted(COMMANDS)
    for text, prefix in (("torch::", "torch::"), ("torch ", "")):
        given = [each.removeprefix(prefix) for each in offers(tcl, text)]
        assert given[: len(own)] == own
        assert {"Empty", "de_quantize"} <= set(given[len(own) :])
    assert offers(tcl, "torch::tensor_ran")[-2:] == ["torch::tensor_rand", "torch::tensor_randn"]
    assert offers(tcl, "torch::deQ") == ["torch::deQuantize"]
    assert offers(tcl, "torch::E") == ["torch::Empty"]


def test_variables_are_tcl_s_and_the_users(tcl: Interpreter) -> None:
    plain = {"argc", "argv", "argv0", "auto_path", "env", "errorCode", "errorInfo"}
    assert {each for each in offers(tcl, "puts $") if not each.startswith(("tcl_", "auto_"))} <= plain


def test_options_and_values_come_from_the_definition(tcl: Interpreter) -> None:
    """Of every command all options are offered, and nothing that it does not know."""
    for name, command in COMMANDS.items():
        known = {f"-{p.name}" for each in command.forms for p in each.signature.parameters}
        given = offers(tcl, f"torch::{name} -")
        assert set(given) == known
        assert len(given) == len(set(given))
    assert offers(tcl, "torch::ones 2 -dtype ") == list(DTYPES)


def test_names_of_files(tcl: Interpreter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("one.tcl", "on [e].tcl", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / "online").mkdir()
    (tmp_path / os.fsdecode(b"only\xff")).touch()
    (tmp_path / "online" / "x.st").touch()
    assert offers(tcl, "source on") == ["on\\ \\[e\\].tcl", "one.tcl", "online/"]
    assert offers(tcl, "source on\\ ") == ["on\\ \\[e\\].tcl"]
    assert offers(tcl, 'source "on ') == ["on \\[e].tcl"]
    assert offers(tcl, 'source "on \\[') == ["on \\[e].tcl"]
    assert offers(tcl, "source {on") == ["on [e].tcl", "one.tcl", "online/"]
    assert offers(tcl, "source {on ") == ["on [e].tcl"]
    assert offers(tcl, f'torch::load_safetensors "{tmp_path}/onl') == [f"{tmp_path}/online/"]
    assert offers(tcl, f"torch::load_safetensors {{{tmp_path}/onl") == [f"{tmp_path}/online/"]
    assert offers(tcl, "open .h") == [".hidden"]
    assert offers(tcl, "cd ") == ["online/"]
    assert offers(tcl, "torch::load_safetensors online/") == ["online/x.st"]
    assert offers(tcl, f"torch::load_safetensors -path {tmp_path}/onl") == [f"{tmp_path}/online/"]
    assert offers(tcl, "source nosuch/") == []
    assert offers(tcl, "exec on") == []
    for odd in ("\0/", "~\0/", "\udc80\ud800/"):
        assert offers(tcl, f"source {odd}") == []


def test_variables_of_the_user_come_before_those_of_tcl(tcl: Interpreter) -> None:
    tcl.eval("set weights 1; set array 2; set envelope 3; set tcl 4; catch {error x}")
    for text in ("puts $", "puts ${", "puts $::"):
        names = [name.removeprefix("::").removesuffix("}") for name in offers(tcl, text)]
        own = [name for name in names if "::" not in name]
        assert own[:4] == ["array", "envelope", "tcl", "weights"]
        assert {"env", "errorInfo", "tcl_version", "auto_path"} < set(own[4:])


def test_of_many_files_a_thousand_are_offered(tcl: Interpreter, tmp_path: Path) -> None:
    for number in range(1001):
        (tmp_path / f"{number}.tcl").touch()
    assert len(offers(tcl, f"source {tmp_path}/")) == 1000
    assert len(offers(tcl, f"source {tmp_path}/12")) == 11


def test_of_a_long_value_no_keys_are_looked_for(tcl: Interpreter) -> None:
    tcl.eval("set long {b 2 c {}}; append long [string repeat { } 1000000]; set list [lrepeat 1000000 1]")
    assert offers(tcl, "dict get $long ") == offers(tcl, "dict get $list ") == []


def test_a_replaced_set_is_not_run(tcl: Interpreter) -> None:
    tcl.eval("set record {bits 4}; rename set old_set; proc set args {error run}")
    assert offers(tcl, "dict get $record ") == ["bits"]


def test_nothing_of_the_users_is_run(tcl: Interpreter) -> None:
    tcl.eval("""
        set count 0
        proc note args {incr ::count}
        set traced 1
        array set table {a 1}
        trace add variable traced {read write} note
        trace add variable table {array read} note
        trace add execution info {enter leave} note
        rename unknown old_unknown
        proc unknown args {incr ::count}
        proc complete_me {} {incr ::count}
    """)
    tcl.eval("catch {error before}; set count 0")
    state = "list [lsort [::tcl::info::commands]] [lsort [::tcl::info::vars]] $errorInfo $errorCode $count"
    before = tcl.eval(state)
    for text in TEXTS:
        offers(tcl, text)
    assert tcl.eval(state) == before
    assert "complete_me" in before


@pytest.mark.parametrize("script", ["proc trace args {puts MINE}", "rename trace {}"])
def test_a_trace_that_is_the_users_is_not_run(tmp_path: Path, script: str) -> None:
    with Terminal(tmp_path) as terminal:
        terminal.prompt()
        terminal.run("set word MI; proc unknown args {puts ${::word}NE}; set d {one 1 other 2}", "")
        terminal.run(script.replace("MINE", "${::word}NE"), "")
        terminal.press(f"dict get $d {TAB}one{ENTER}")
        terminal.prompt()
        terminal.run("torch::free d", 'no such handle "d"')
        assert "MINE" not in terminal.output


TEXTS = (
    *(
        "",
        "comp",
        "nosuch ",
        "nosuch::x",
        "[complete_me",
        "set ",
        "set tra",
        "torch::",
        "torch::free ",
        "unk",
    ),
    *(
        "puts $",
        "puts $tra",
        "puts $table(",
        "dict get $traced ",
        "dict set traced ",
        "dict get $table ",
        "dict get $env ",
        "puts $nosuch::",
        "puts $nosuch(",
        "complete_me ",
        "cd ",
        "torch ",
    ),
)


def test_completion_imports_no_torch() -> None:
    from tests.interpreters import python

    done = python("""
import sys
from prompt_toolkit.document import Document
from pybridge import Interpreter
from pybridge.prompt.completion import TclCompleter
completer = TclCompleter(Interpreter())
for text in ("torch::", "torch::ones 2 -dtype ", "torch::ones -device c", "torch::tensor_add ", "puts $"):
    list(completer.get_completions(Document(text), None))
print("torch" in sys.modules)
""")
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_the_key(tmp_path: Path) -> None:
    """The first Tab adds what all have in common, the menu shows them, the next Tab takes the first."""
    with Terminal(tmp_path) as terminal:
        terminal.prompt()
        terminal.run("proc helper_one {} {return first}; proc helper_two {} {return second}", "")
        terminal.press("hel" + TAB)
        terminal.expect("helper_two")
        terminal.press(TAB + ENTER)
        terminal.press(ENTER)
        terminal.expect("\nfirst\n")
        terminal.prompt()
        terminal.press("torch::is_grad_e" + TAB)
        terminal.expect("nabled")
        terminal.press(ENTER)
        terminal.expect("\n1\n")


def test_a_menu_from_which_nothing_is_taken(tmp_path: Path) -> None:
    with Terminal(tmp_path) as terminal:
        terminal.prompt()
        terminal.run("proc other {} {return [string toupper run]}; proc other_one {} {}", "")
        terminal.press("othe" + TAB)
        terminal.expect("other_one")
        terminal.press(ENTER)  # runs what stands there
        terminal.expect("\nRUN\n")
        terminal.prompt()
        terminal.press("torch::apropos " + TAB)
        terminal.expect("-word")
        terminal.run("tensor_relu; list end", "\nend\n")  # no dash before it, which all have in common
        terminal.press("torch::apropos " + TAB)
        terminal.expect("-word")
        terminal.press(TAB)
        terminal.expect("-word")
        terminal.press(ESC + CTRL_E)  # the second only tells at once that the first is a key by itself
        terminal.run("tensor_relu; list end", "\nend\n")
