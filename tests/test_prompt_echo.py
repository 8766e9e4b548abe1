"""What the prompt shows of a result."""

import pytest
import torch

from pybridge import Interpreter
from pybridge.handles import HandleTable
from pybridge.prompt.echo import echo, folded


def shown(tcl: Interpreter, script: str) -> str:
    return echo(tcl.eval(script), tcl.dispatcher.table, 80)


def test_one_handle(tcl: Interpreter) -> None:
    assert shown(tcl, "torch::tensor_create {1 2 3} -dtype float64") == "tensor0  float64 [3]  mean 2 std 1"
    assert shown(tcl, "torch::progress_bar 3").startswith("progress_bar1  ")


def test_a_handle_that_was_freed(tcl: Interpreter) -> None:
    assert shown(tcl, "set x [torch::ones 2]; torch::free $x; set x") == "tensor0  (freed)"
    assert shown(tcl, "list tensor1") == "tensor1"
    assert shown(tcl, "list $x [torch::full {} 2]") == "tensor0  (freed)\ntensor1  float32 []  2"
    assert shown(tcl, "dict create bits 4 codes $x scale tensor1") == (
        "bits   4\ncodes  tensor0  (freed)\nscale  tensor1  float32 []  2"
    )
    assert shown(tcl, "dict create codes $x") == "codes  tensor0  (freed)"
    assert shown(tcl, "list [list tensor1 $x] $x").splitlines()[1:] == [
        "tensor1  float32 []  2",
        "tensor0  (freed)",
    ]


def test_no_message_is_made_of_words_that_are_no_handles(
    tcl: Interpreter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of a pattern takes as long as there are handles, and Ctrl-C would have to wait for all of them."""
    monkeypatch.setattr(HandleTable, "missing", None)
    tcl.eval("torch::ones 2")
    assert shown(tcl, "list q0* q1* {q? tensor0} t?") == "q0* q1* {q? tensor0} t?"


def test_a_list_of_handles(tcl: Interpreter) -> None:
    lines = shown(tcl, "set h {}; foreach i [lrepeat 25 x] {lappend h [torch::zeros 2]}; set h").splitlines()
    assert lines[0] == "tensor0   float32 [2]  mean 0 std 0"
    assert lines[19] == "tensor19  float32 [2]  mean 0 std 0"
    assert lines[20:] == ['... and 5 more handles; "puts" shows all']


def test_a_dict_with_handles(tcl: Interpreter) -> None:
    assert shown(tcl, "list scale [torch::ones {}] {zero point} {} codes [torch::zeros 2] bits {4 8}") == (
        "scale       tensor0  float32 []  1\n"
        "zero point  {}\n"
        "codes       tensor1  float32 [2]  mean 0 std 0\n"
        "bits        4 8"
    )
    assert shown(tcl, "list {} tensor0 k {}") == "{}  tensor0  float32 []  1\nk   {}"
    assert shown(tcl, "list tensor0 4 k tensor1") == "tensor0  4\nk        tensor1  float32 [2]  mean 0 std 0"
    assert shown(tcl, "list tensor0 tensor1 k 4") == "tensor0  tensor1  float32 [2]  mean 0 std 0\nk        4"
    lines = shown(tcl, "set d {}; foreach i [lsearch -all [lrepeat 25 x] x] {dict set d k$i tensor0}; set d")
    assert lines.splitlines()[19:] == ["k19  tensor0  float32 []  1", '... and 5 more keys; "puts" shows all']


@pytest.mark.parametrize(
    "result",
    [
        "a tensor0 a 1",
        "tensor0 a tensor1 b",
        "scale tensor0 bits",
        "scale {tensor0 fits}",
        "scale {tensor0  tensor0}  bits",
        "{tensor0 tensor1} tensor2",
        "1  set\n2  tensor0",
        "key {tensor0}",
        "{a\nb} tensor0",
    ],
)
def test_lists_that_are_no_dict_with_handles(tcl: Interpreter, result: str) -> None:
    tcl.eval("torch::ones 2; torch::ones 2")
    assert echo(result, tcl.dispatcher.table, 80) == result


def test_handles_in_lists_and_dicts_in_others(tcl: Interpreter) -> None:
    tcl.eval("set a [torch::ones 2]; set b [torch::zeros {}]; set c [torch::full {2 2} 3]")
    lines = [
        "tensor0  float32 [2]  mean 1 std 0",
        "tensor1  float32 []  0",
        "tensor2  float32 [2, 2]  mean 3 std 0",
    ]
    assert shown(tcl, "list [list $a $b] $c").splitlines() == ["{tensor0 tensor1} tensor2", *lines]
    assert shown(tcl, "list [list [list $a $b] $a] [list $c]").splitlines()[1:] == lines
    assert shown(tcl, "list $a [list $b $c]").splitlines() == ["tensor0 {tensor1 tensor2}", *lines]
    assert shown(tcl, "list [dict create w $a n 1] [dict create w $b n 2]").splitlines()[1:] == lines[:2]
    assert shown(tcl, "dict create w [list $a $b] bits 4 none {} b $c").splitlines() == [
        f"w     {lines[0]}",
        f"      {lines[1]}",
        "bits  4",
        "none  {}",
        f"b     {lines[2]}",
    ]
    assert shown(tcl, "dict create one [dict create w $a b $b] two {n 1}").splitlines() == [
        "one  w tensor0 b tensor1",
        f"     {lines[0]}",
        f"     {lines[1]}",
        "two  n 1",
    ]
    many = shown(
        tcl, "set d {}; foreach i [lsearch -all [lrepeat 15 x] x] {dict set d k$i {tensor0 tensor1}}; set d"
    )
    assert many.splitlines()[18:] == [
        f"k9  {lines[0]}",
        f"    {lines[1]}",
        '... and 10 more lines; "puts" shows all',
    ]


def test_a_dict_without_handles_is_a_table(tcl: Interpreter) -> None:
    wide = "encoder {bits 4 sqnr_db 18.5} decoder {bits 8 sqnr_db 42.0}"
    assert echo(wide, tcl.dispatcher.table, 40).split() == (
        ["bits", "sqnr_db", "encoder", "4", "18.5", "decoder", "8", "42.0"]
    )


def test_a_dict_with_long_words(tcl: Interpreter) -> None:
    key = "encoder.layer.0.intermediate.dense.bias"
    assert shown(tcl, f"list {key} [torch::zeros 1536] x [torch::zeros 2]").splitlines() == [
        f"{key}  tensor0  float32 [1536]  mean 0 std 0",
        f"{'x'.ljust(39)}  tensor1  float32 [2]  mean 0 std 0",
    ]
    assert shown(tcl, f"set d [list {key} [torch::full 1536 0.12345]]") == f"{key}  tensor2  float32 [1536]"
    fits = shown(tcl, f"list attention.{key} tensor0 x tensor1").splitlines()
    assert fits[1] == f"{'x'.ljust(49)}  tensor1  float32 [2]"
    wide = echo(tcl.eval("set d"), tcl.dispatcher.table, 120)
    assert wide == f"{key}  tensor2  float32 [1536]  mean 0.1235 std 0"
    assert shown(tcl, "dict create 名前 [torch::zeros 2] w [torch::zeros 2]").splitlines() == [
        "名前  tensor3  float32 [2]  mean 0 std 0",
        "w     tensor4  float32 [2]  mean 0 std 0",
    ]
    lines = shown(tcl, "list [string repeat k 5000] [torch::zeros 2] bits 4").splitlines()
    assert lines == [f"{'k' * 5000}  tensor5  float32 [2]", f"{'bits'.ljust(48)}  4"]
    lines = shown(tcl, "dict create x [string repeat v 9000] k tensor0").splitlines()
    assert lines == [f"x  {'v' * 1000}... (9000 characters)", "k  tensor0  float32 [1536]  mean 0 std 0"]


def test_a_dict_of_all_weights_of_a_large_model(tcl: Interpreter) -> None:
    weight = "encoder.layer.$i.output.dense.weight [torch::ones 2]"
    lines = shown(
        tcl, f"for {{set i 0}} {{$i < 300}} {{incr i}} {{dict set model {weight}}}; set model"
    ).splitlines()
    assert lines[0] == "encoder.layer.0.output.dense.weight   tensor0   float32 [2]  mean 1 std 0"
    assert lines[20:] == ['... and 280 more keys; "puts" shows all']
    lines = shown(tcl, "list kind weights {*}$model").splitlines()
    assert lines[0].split() == ["kind", "weights"]
    assert lines[1].startswith("encoder.layer.0.output.dense.weight   tensor0   float32 [2]")


@pytest.mark.parametrize(
    "result", ["", "42", "tensor99", "tensor0 x", "tensor0 tensor99", "{tensor0", " ", "tensor0x"]
)
def test_other_results_are_as_they_are(tcl: Interpreter, result: str) -> None:
    tcl.eval("torch::ones 2")
    assert echo(result, tcl.dispatcher.table, 80) == result


def test_a_long_result_is_cut(tcl: Interpreter) -> None:
    assert shown(tcl, "string repeat x 10000") == "x" * 10_000
    cut = shown(tcl, "string repeat x 10001")
    assert cut == "x" * 10_000 + '\n... the first 10000 of 10001 characters; "puts" shows all'


def test_handles_are_not_looked_for_in_a_very_long_result(tcl: Interpreter) -> None:
    name = tcl.eval("torch::ones 2")
    long = " ".join([name] * (1_000_001 // len(name + " ")))
    assert echo(long, tcl.dispatcher.table, 80).startswith(f"{name}  float32 [2]")
    assert echo(f"{long} {name}", tcl.dispatcher.table, 80).startswith(
        long[:10_000] + "\n... the first 10000 of "
    )


def test_it_changes_nothing(tcl: Interpreter) -> None:
    tcl.eval("set x [torch::ones {300 400} -requires_grad 1]")
    before = tcl.eval("torch::memory")
    version = tcl.dispatcher.table.objects["tensor0"]._version
    state = torch.get_rng_state()
    assert shown(tcl, "set x") == "tensor0  float32 [300, 400]  requires_grad  mean 1 std 0"
    assert (tcl.eval("torch::memory"), torch.is_grad_enabled()) == (before, True)
    assert tcl.dispatcher.table.objects["tensor0"]._version == version
    assert torch.equal(torch.get_rng_state(), state)


def test_what_cannot_be_summed_up(tcl: Interpreter) -> None:
    class Refusing:
        handle_kind = "refusing"

        @property
        def summary(self) -> str:
            raise RuntimeError("not today\nfor a reason")

    name = tcl.dispatcher.table.add("refusing", Refusing())
    assert echo(name, tcl.dispatcher.table, 80) == f"{name}  (not today)"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("", ""),
        ("  short\n\n  too  ", "  short\n\n  too  "),
        ("no such tensor (did you mean $w?)", "no such tensor (did\nyou mean $w?)"),
        ("bad -" + "x" * 30 + " y", "bad\n-" + "x" * 30 + "\ny"),
        ("one per-channel-axis and two\nthree", "one per-channel-axis\nand two\nthree"),
        ("one\ttwo three four five", "one     two three\nfour five"),
    ],
)
def test_a_message_ends_its_lines_between_words(message: str, expected: str) -> None:
    assert folded(message, 20) == expected


def test_a_long_message_is_cut() -> None:
    note = '... the first 10000 of 4000000 characters; "puts $errorInfo" shows all'
    assert folded("1.0 " * 1_000_000, 80).replace("\n", " ") == "1.0 " * 2500 + note
