"""Help, info, apropos and suggestions for mistyped words: all from the commands' own definitions."""

import os
import re
import sys

import pytest
import torch

import pybridge
from pybridge import Interpreter
from pybridge.commands import about
from pybridge.dispatch import OK, Dispatcher
from pybridge.documentation import beside, documentation, named_beside, parameters, purpose
from pybridge.errors import did_you_mean
from pybridge.help_page import facts, page
from pybridge.quant import backend
from pybridge.registry import BY_NAME, COMMANDS, command, families
from tests.interpreters import error_of


def test_help(tcl: Interpreter) -> None:
    lines = tcl.eval("torch::help torch::fakeQuantizePerChannel").splitlines()
    assert lines[0].startswith("torch::fakeQuantizePerChannel - Quantize and dequantize a tensor")
    usage = lines[lines.index("Usage") + 1 : lines.index("Arguments") - 1]
    assert " ".join(" ".join(usage).split()) == (
        "torch::fakeQuantizePerChannel input scales zero_points axis ?quant_min? ?quant_max? "
        "torch::fake_quantize_per_channel -input input -scales scales -zero_points zero_points -axis axis "
        "?-quant_min quant_min? ?-quant_max quant_max? "
        "torch::fakeQuantizePerChannel -input input -scales scales -zeroPoints zero_points -axis axis "
        "?-quantMin quant_min? ?-quantMax quant_max?"
    )
    assert "  quant_min (integer, -128 by default): lowest quantized value." in lines
    assert "  axis (integer): the dimension whose slices have scales of their own; a" in lines
    assert lines[lines.index("Also called") + 1] == "  fake_quantize_per_channel"
    assert tcl.eval("torch::help q_sc*").splitlines()[0] == "torch::q_scale"
    assert tcl.eval("torch::help sqrt") == tcl.eval("torch::help tensor_sqrt")
    assert tcl.eval("torch::help {Per channel}") == tcl.eval("torch::help per_channel")
    assert tcl.eval("torch::help quantized").count("\ntorch::") == 9
    assert tcl.eval("torch::help matmul").startswith("torch::tensor_matmul - ")
    for part in ("FAKE_QUANTIZE_PER", "fakeQuantizePer", "torch::fakequantizeper"):
        assert [line for line in tcl.eval(f"torch::help {part}").splitlines() if line[0] != " "] == [
            "torch::fake_quantize_per_channel",
            "torch::fake_quantize_per_tensor",
        ]
    overview = tcl.eval("torch::help")
    assert all(name in overview.split() for name in COMMANDS)
    *rows, gap, first, second, third, fourth, pager, trap, codes = overview.splitlines()
    assert gap == "" not in rows
    assert all(line.startswith("torch::help ") for line in (first, second, third))
    assert fourth.startswith("torch::apropos ")
    assert pager.startswith("less << [torch::help ")
    script = trap.replace("...", "torch::zeros x", 1).replace("...", "set message")
    assert tcl.eval(script).startswith("expected integer but got")
    assert "::errorCode" in codes
    error = error_of(tcl.eval, "torch::help fak_quantize_per_tensor")
    assert error.errorcode == ("TORCH", "ARG", "VALUE", "topic")
    assert error.message == (
        'no command matches "fak_quantize_per_tensor" (did you mean fake_quantize_per_tensor?)'
        "; torch::apropos searches all help"
    )


@pytest.mark.parametrize("called", sorted(BY_NAME))
def test_every_page_is_complete_and_fits_80_columns(called: str) -> None:
    text = page(BY_NAME[called], called)
    assert max(map(len, text.splitlines())) <= 80
    known = documentation(BY_NAME[called], called)
    assert f"torch::{called}" in known.positional[0]
    assert known.lead
    assert known.returns
    assert [each.name for each in known.arguments if not each.text] == []
    for name, parameter in parameters(BY_NAME[called]).items():
        assert f"  {name} (" in text
        assert parameter.type.noun in " ".join(text.replace(" (default)", "").split())


@pytest.mark.parametrize(
    ("name", "parameter", "told"),
    [
        ("quantize_integers", "bits", "integer, 8 by default"),
        ("quantize_integers", "granularity", "one of per_tensor (default), per_channel, per_group"),
        ("quantize_integers", "scale_mode", "one of float (default), power_of_two"),
        ("quantization_plan", "observer", "list of minmax, mse, percentile; minmax by default"),
        ("quantization_sweep", "qscheme", "list of symmetric, affine; symmetric affine by default"),
        ("import_integers", "order", "one of row, column; optional"),
        ("import_integers", "bits", "integer, optional"),
        ("export_integers", "order", "one of row (default), column"),
        ("tensor_sum", "input", "tensor"),
        ("scope", "body", "required"),
    ],
)
def test_type_and_default_of_a_parameter(name: str, parameter: str, told: str) -> None:
    assert {each.name: facts(each) for each in documentation(COMMANDS[name]).arguments}[parameter] == told


@pytest.mark.parametrize("name", sorted(set(families()) & set(BY_NAME)))
def test_a_command_that_is_called_like_a_family_lists_it(tcl: Interpreter, name: str) -> None:
    text = tcl.eval(f"torch::help {name}")
    assert text.startswith(f"torch::{name} - ")
    listed, _, others = text.partition(f"\n\nThe family {name}\n")[2].partition("\n\n")
    assert listed.split() == [each.name for each in families()[name]]
    assert others.startswith("See also, with torch::help\n") == bool(beside(name))


def test_the_help_of_a_family_ends_with_those_beside_it(tcl: Interpreter) -> None:
    lines = tcl.eval("torch::help quantize").splitlines()
    assert lines[0].startswith("quantize - Fake quantization: ")
    others = [
        line.split()[0] for line in lines[lines.index("See also, with torch::help") + 1 :] if line[2] != " "
    ]
    assert others == ["analysis", "apot", "integers", "learnable", "linear", "observe", "quantized"]
    assert "  hardware   Integers in files that hardware tools load, and back." in (
        tcl.eval("torch::help integers").splitlines()
    )
    assert "See also" not in tcl.eval("torch::help about")


@pytest.mark.parametrize("name", sorted(families()))
def test_families_know_what_they_are_for_and_each_other(name: str) -> None:
    assert purpose(name)
    assert name not in beside(name)
    assert set(named_beside(name)) <= set(families())
    for other in beside(name):
        assert name in beside(other)


def test_a_page_refers_to_the_family_but_not_to_itself(tcl: Interpreter) -> None:
    assert {"linear", "observe"} <= set(families()) & set(BY_NAME)
    assert "torch::help observe" in tcl.eval("torch::help calculate_qparams")
    assert "torch::help observe" not in tcl.eval("torch::help observe")
    assert "The family" not in tcl.eval("torch::help calculate_qparams")


def test_senseless_questions_are_answered_at_once(tcl: Interpreter) -> None:
    assert "no command" in error_of(tcl.eval, "torch::help [string repeat {[} 1000000]").message
    assert "no command" in error_of(tcl.eval, "torch::apropos {*}[lrepeat 100000 Quaternion]").message


def test_lists_fit_80_columns(tcl: Interpreter) -> None:
    for script in ("torch::help", "torch::help *", "torch::apropos tensor"):
        assert max(map(len, tcl.eval(script).splitlines())) <= 80


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_no_docstring_repeats_what_the_signature_knows(name: str) -> None:
    for argument in documentation(COMMANDS[name]).arguments:
        assert not (argument.default and "by default" in argument.text), argument


def test_forms_that_are_not_there_are_not_shown(tcl: Interpreter) -> None:
    assert "in_features" not in tcl.eval("torch::help linear").split()
    assert "torch::linearLayer in_features out_features ?bias?" in tcl.eval("torch::help linearLayer")


def test_see_also_goes_both_ways() -> None:
    assert "enable_grad" in documentation(COMMANDS["no_grad"]).see_also
    assert "no_grad" in documentation(COMMANDS["enable_grad"]).see_also
    for name in COMMANDS:
        for other in documentation(COMMANDS[name]).see_also:
            assert name in documentation(COMMANDS[other]).see_also


def test_a_command_that_is_registered_later_has_help(tcl: Interpreter) -> None:
    tcl.eval("torch::help zeros")

    @command()
    def later(input: int, *more: str) -> int:
        """Return its argument, as `zeros` does not.

        Args:
            input: any.
            more: ignored.
        """
        return input

    try:
        assert "  more (string, optional): ignored." in page(COMMANDS["later"], "later").splitlines()
        assert "later" in documentation(COMMANDS["zeros"]).see_also
    finally:
        del COMMANDS["later"], BY_NAME["later"]


def test_the_items_of_a_list_hang_on_their_dashes_and_words_with_hyphens_are_whole() -> None:
    @command()
    def listing() -> int:
        """Return something.

        The kinds:

        - minmax: something different sometimes quantized otherwise precision per-channel, which would end
          behind column 80.
        - mse: another.
        """
        return 0

    try:
        assert page(COMMANDS["listing"], "listing").partition("\n\nUsage\n")[0].splitlines() == [
            "torch::listing - Return something.",
            "",
            "The kinds:",
            "",
            "- minmax: something different sometimes quantized otherwise precision",
            "  per-channel, which would end behind column 80.",
            "- mse: another.",
        ]
    finally:
        del COMMANDS["listing"], BY_NAME["listing"]


def test_apropos(tcl: Interpreter) -> None:
    found = tcl.eval("torch::apropos CHANNEL fake").splitlines()
    assert "torch::fake_quantize_per_channel" in found
    assert tcl.eval("torch::apropos torch::zeros") == tcl.eval("torch::apropos zeros")
    names = [line for line in tcl.eval("torch::apropos safetensors").splitlines() if line[0] != " "]
    assert names[:3] == ["torch::load_safetensors", "torch::safetensors_info", "torch::save_safetensors"]
    assert tcl.eval("torch::apropos {CHANNEL fake}") == "\n".join(found)
    assert "torch::linear_q_symmetric" in tcl.eval("torch::apropos int4")  # which only examples have
    assert "torch::tensor_matmul" in tcl.eval("torch::apropos { matrix multiply}").splitlines()
    assert "torch::fake_quantize_per_channel" in (
        tcl.eval("torch::apropos {per channel quantization}").splitlines()
    )
    assert tcl.eval("torch::apropos {read CSV}").splitlines()[0] == "torch::tensor_create"
    assert listed(tcl.eval("torch::apropos fakeQuantizePer")) == listed(
        tcl.eval("torch::apropos fake_quantize_per")
    )
    assert "no command" in error_of(tcl.eval, """torch::apropos {', '}""").message
    error = error_of(tcl.eval, "torch::apropos tensor quaternion")
    assert error.message == 'no command is about "tensor quaternion"; torch::help lists all'
    assert error.errorcode == ("TORCH", "ARG", "VALUE", "word")


def test_apropos_finds_the_words_that_an_argument_may_be(tcl: Interpreter) -> None:
    found = listed(tcl.eval("torch::apropos readmemh"))
    assert {"export_integers", "import_integers", "export_model"} <= set(found)


@pytest.mark.parametrize(("word", "said"), [("{}", ""), ("{ }", " "), ("torch::", "torch::")])
def test_no_word_is_about_no_command(tcl: Interpreter, word: str, said: str) -> None:
    message = error_of(tcl.eval, f"torch::apropos {word}").message
    assert message == f'no command is about "{said}"; torch::help lists all'


@pytest.mark.parametrize("words", ["[string repeat x 1000000]", "[lsearch -all [lrepeat 10000 x] x]"])
def test_no_command_is_about_more_than_can_be_looked_for(tcl: Interpreter, words: str) -> None:
    assert error_of(tcl.eval, f"torch::apropos {words}").errorcode == ("TORCH", "ARG", "VALUE", "word")


def test_help_on_a_blank_lists_nothing(tcl: Interpreter) -> None:
    assert 'no command matches " "' in error_of(tcl.eval, "torch::help { }").message


def listed(text: str) -> list[str]:
    """The names of the commands in a list of these."""
    return [line.removeprefix("torch::") for line in text.splitlines() if line[0] != " "]


def test_apropos_finds_beginnings_of_words(tcl: Interpreter) -> None:
    assert listed(tcl.eval("torch::apropos 4-bit")) == [
        "quantize_integers"
    ]  # not the "64-bit" of manual_seed
    assert "quantize_per_tensor" in listed(tcl.eval("torch::apropos quant"))
    assert listed(tcl.eval("torch::apropos matmul")) == ["tensor_matmul"]
    found = listed(tcl.eval("torch::apropos tensors"))
    assert "tensor_create" in found
    assert "save_safetensors" in found  # "tensors" stands in its help as a word, too
    assert "tensor_shape" not in found
    assert "no command" in error_of(tcl.eval, "torch::apropos uantize").message


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("trap", ["help"]),
        ("errorcode", ["help"]),
        ("leak", ["memory"]),
        ("{fixed point}", ["observer", "quantize_integers"]),
        ("fixed-point", ["observer", "quantize_integers"]),
        ("compare", ["quantization_metrics"]),
        ("{per layer}", ["quantization_plan"]),
    ],
)
def test_apropos_knows_the_words_of_the_field(tcl: Interpreter, words: str, meant: list[str]) -> None:
    assert set(meant) <= set(listed(tcl.eval(f"torch::apropos {words}")))


def test_apropos_orders_by_the_place_of_the_words(tcl: Interpreter) -> None:
    found = listed(tcl.eval("torch::apropos scale"))
    places = [
        "q_scale",  # its name
        "dequantize",  # its first sentence
        "quantize_integers",  # elsewhere in its help
        "load_observer_state",  # only what its family is for
    ]
    assert sorted(places, key=found.index) == places
    assert found[:2] == ["get_q_scale_and_zero_point", "get_q_scale_symmetric"]
    assert listed(tcl.eval("torch::apropos quantize"))[:2] == ["apot_fake_quantize", "dequantize"]


def test_the_help_on_rows_of_a_csv_file(tcl: Interpreter) -> None:
    script = re.search(r"`(\[lmap [^`]*)`", " ".join(tcl.eval("torch::help tensor_create").split()))
    assert script
    tcl.call("set", "text", "1,2.5\n-3,4\n")
    assert (
        tcl.eval(f"torch::tensor_to_list [torch::tensor_create {script[1]}] -nested 1")
        == "{1.0 2.5} {-3.0 4.0}"
    )


def test_commands_and_info(tcl: Interpreter) -> None:
    assert tcl.eval("torch::commands") == " ".join(sorted(COMMANDS))
    assert tcl.eval("torch::commands {q_[sz]*}") == "q_scale q_zero_point"
    assert tcl.eval("torch::info args fakeQuantizePerTensor") == "input scale zero_point quant_min quant_max"
    assert tcl.eval("torch::info args scope") == "body"
    assert tcl.eval("torch::info args no_grad") == "script"
    assert tcl.eval("torch::info default torch::fake_quantize_per_tensor quant_max") == "127"
    assert tcl.eval("torch::info default fakeQuantizePerTensor quantMax") == "127"
    assert tcl.eval("torch::info default tensor_to dtype") == ""
    assert tcl.eval("torch::info aliases dequantize") == "de_quantize deQuantize"
    assert tcl.eval("torch::info aliases rand") == "tensor_rand tensorRand"
    assert tcl.eval("torch::info family q_scale") == "quantized"
    assert tcl.eval("torch::info usage tensorSum") == "torch::tensorSum input ?dim?"
    assert tcl.eval("torch::info default no_grad script") == ""
    error = error_of(tcl.eval, "torch::info default tensor_sum")
    assert error.message == "missing parameter of torch::tensor_sum: must be input, dim"
    for words in (
        "args nope",
        "args zeros dtype",
        "default zeros",
        "default version",
        "default scope body",
        "default zeros nope",
        "default zeros shape",
    ):
        assert error_of(tcl.eval, f"torch::info {words}").errorcode[:3] == ("TORCH", "ARG", "VALUE")
    assert "(did you mean zeros?)" in error_of(tcl.eval, "torch::info args zerso").message
    assert "(did you mean dtype?)" in error_of(tcl.eval, "torch::info default zeros dtpye").message


def test_version_and_sitrep(tcl: Interpreter) -> None:
    assert tcl.eval("torch::version") == tcl.eval("package require torch") == pybridge.__version__
    report = tcl.eval("torch::sitrep")
    for fact in (pybridge.__version__, torch.__version__, sys.executable, "Tcl "):
        assert fact in report
    assert re.search(rf"^runs in +process {os.getpid()}, with Tcl$", report, re.MULTILINE)


def test_sitrep_of_a_dispatcher_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(about, "host_facts", {})
    status, report, _ = Dispatcher()("", "sitrep")
    assert status == OK
    assert re.search(r"^Tcl +none$", report, re.MULTILINE)
    assert re.search(rf"^runs in +process {os.getpid()}, without Tcl$", report, re.MULTILINE)


def test_sitrep_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing() -> None:
        raise ValueError("there is no such back end")

    monkeypatch.setattr(about, "_PACKAGES", ("no-such-package",))
    monkeypatch.setattr(backend, "backend", refusing)
    _, report, _ = Dispatcher()("", "sitrep")
    assert re.search(r"^packages +no-such-package not installed$", report, re.MULTILINE)
    assert re.search(r"^fake quantization +there is no such back end$", report, re.MULTILINE)


@pytest.mark.parametrize(
    ("word", "known", "near"),
    [
        ("-zeropoints", ["-input", "-zero_points"], "-zero_points"),
        ("flaot32", ["float64", "float32"], "float32"),
        ("fake_quant", ["free", "fake_quantize_per_tensor"], "fake_quantize_per_tensor"),
        ("quantize", ["dequantize", "quantize_it"], "quantize_it"),
        ("-scale", ["-scales", "-scaled", "-bits", "-scale_mode"], "-scale_mode, -scales or -scaled"),
        ("-quant", ["-quant_min", "-quant_max"], "-quant_min or -quant_max"),
        ("a", ["a_b", "ab", "a_c", "a_d", "a_e"], "a_b, a_c or a_d"),
        ("c", ["coe", "c_header"], "c_header"),
        ("to", ["tensor_to", "tensorTo"], ""),
        ("make", ["makeIt", "make_it", "remake"], "make_it"),
        ("makeI", ["make_it", "makeIt"], "makeIt"),
        ("MAKEIT", ["make_it", "makeIt", "makeItAll"], "makeIt"),
        ("Make_it", ["makeIt", "make_it", "make_it_all"], "make_it"),
        ("makeIr", ["make_it"], "make_it"),
        ("-", ["-dim"], ""),
        ("_", ["xyz"], ""),
        ("_sum", ["tensor_add", "tensor_sum"], "tensor_sum"),
        ("x", ["xyz"], ""),
        ("", ["xyz"], ""),
        ("shape", ["input", "dim"], ""),
        ("y" * 100_000, ["y" * 100_000], ""),
        # what many names have in common makes none like another
        ("tensor_transpose", ["tensor_rand", "tensor_permute"], ""),
        ("tensor_round", ["tensor_rand"], ""),
        ("tensor_size", ["tensor_item"], ""),
        ("tensor_reshpe", ["tensor_rand", "tensor_reshape"], "tensor_reshape"),
        ("tensor_som", ["tensor_sub", "tensor_sum"], "tensor_sum"),
        ("tensor_smu", ["tensor_sum"], "tensor_sum"),
        ("tensor_summ", ["tensor_sum"], "tensor_sum"),
        ("tensor_sm", ["tensor_sum"], "tensor_sum"),
    ],
)
def test_the_nearest_word_is_suggested(word: str, known: list[str], near: str) -> None:
    assert did_you_mean(word, known) == (f" (did you mean {near}?)" if near else "")


@pytest.mark.parametrize(
    ("script", "meant"),
    [
        ("quit", "exit"),
        ("print 3", "puts"),
        ("torch:zeros 2", "torch::zeros"),
        ("Torch::zerso 2", "torch::zeros"),
        ("TORCH::zeros 2", "torch::zeros"),
        ("zeros 2", "torch::zeros"),
        ("pust hello", "puts"),
        ("foreah x {} {}", "foreach"),
        ("tensor_som 2", "torch::tensor_sum"),
        ("my_swep", "my_sweep"),
    ],
)
def test_names_of_other_programs_and_wrong_colons(tcl: Interpreter, script: str, meant: str) -> None:
    tcl.eval("proc my_sweep {} {}")
    assert (
        error_of(tcl.eval, script).message
        == f'invalid command name "{script.split()[0]}" (did you mean {meant}?)'
    )


@pytest.mark.parametrize("name", ["cmd", "else", "nope", "test", "read_verilog", "get", "::tensor_som::x"])
def test_what_is_only_like_a_command_is_none_mistyped(tcl: Interpreter, name: str) -> None:
    assert error_of(tcl.eval, name).message == f'invalid command name "{name}"'


@pytest.mark.parametrize("instead", ["", "proc ::tcl::info::commands args {incr ::asked; expr 5}"])
def test_no_command_is_meant_where_a_script_has_taken_the_list_of_them(
    tcl: Interpreter, instead: str
) -> None:
    tcl.eval(f"rename ::tcl::info::commands {{}}; {instead}")
    assert error_of(tcl.eval, "pust").message == 'invalid command name "pust"'
    assert tcl.eval("info exists asked") == "0"


def test_no_command_is_meant_by_itself_or_by_another_message(tcl: Interpreter) -> None:
    tcl.eval("interp create kid; kid eval {rename puts {}}")
    assert error_of(tcl.eval, "kid eval {puts x}").message == 'invalid command name "puts"'
    thrown = "throw {TCL LOOKUP COMMAND pust} {it is closed}"
    assert error_of(tcl.eval, thrown).message == "it is closed"


def test_a_long_name_is_not_searched_for(tcl: Interpreter) -> None:
    name = "tensor_" + "_".join(f"transpose{number}" for number in range(2000))
    assert error_of(tcl.eval, f"torch {name}").message.startswith(f'unknown subcommand "{name[:60]}..." (')


def test_a_variable_without_its_dollar(tcl: Interpreter) -> None:
    tcl.eval("set w [torch::ones 2]; set n 42; set gone $w; set array(x) $w; proc f {} {torch::show n}")
    assert error_of(tcl.eval, "torch::show w").message == 'no such tensor "w" (did you mean $w?)'
    assert error_of(tcl.eval, "torch::free w").errorinfo.startswith('no such handle "w" (did you mean $w?)\n')
    for name in ("n", "array", "nosuch", "::w", "w x"):
        assert error_of(tcl.eval, f"torch::show {{{name}}}").message == f'no such tensor "{name}"'
    tcl.eval("set several [list [dict create a $w]]; foreach each $several {dict get $each a}")
    assert error_of(tcl.eval, "torch::show several").message == 'no such tensor "several"'
    tcl.eval("set count 0; set traced $w; trace add variable traced read {apply {args {incr ::count}}}")
    assert error_of(tcl.eval, "torch::show traced").message == 'no such tensor "traced"'
    assert tcl.eval("set count") == "0"
    tcl.eval("torch::free $w")
    assert error_of(tcl.eval, "torch::show w").message == 'no such tensor "w"'


@pytest.mark.parametrize("name", ["fc", "torch::zeros", "::n::p", "puts"])
def test_a_command_and_its_arguments_in_one_word(tcl: Interpreter, name: str) -> None:
    tcl.eval("proc fc x {}; namespace eval n {proc p {} {}}")
    for blank in (" ", "\n"):
        error = error_of(tcl.eval, f"{{{name}{blank}$w}}")
        said = f'invalid command name "{name}{blank}$w"'
        assert error.message == f"{said} (all of it is one word; {name} alone is a command)"
        assert error.errorinfo.startswith(error.message + "\n")
        assert tcl.eval(f"catch {{{{{name}{blank}$w}}}} message; set message") == said
    for other in ("nosuch 3", "fc* 3", " fc 3", "torch::zerso 2", "p 3"):
        assert error_of(tcl.eval, f"{{{other}}}").message == f'invalid command name "{other}"'


def test_an_option_that_asks_for_help(tcl: Interpreter) -> None:
    for option in ("-help", "-h", "-Help"):
        assert error_of(tcl.eval, f"torch::zeros {option}").message.endswith(
            "-requires_grad (torch::help zeros shows what it does)"
        )
    assert error_of(tcl.eval, "torch::keep -help 1").message == (
        'bad option "-help": must be -handle (torch::help keep shows what it does)'
    )


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("torch::keep --help", 'no such handle "--help" (torch::help keep shows what it does)'),
        (
            "torch::version --h",
            'wrong # args: should be "torch::version" (torch::help version shows what it does)',
        ),
        ("torch::tensor_sum --dim 1", 'no such tensor "--dim" (did you mean -dim?)'),
        ("torch::tensorSum -input $w --dim 1", 'expected an option but got "--dim" (did you mean -dim?)'),
        (
            "torch::tensor_sum $w --dim 1",
            'wrong # args: should be "torch::tensor_sum input ?dim?" (did you mean -dim?)',
        ),
        ("torch::tensor_sum $w -dim=1", 'expected integer but got "-dim=1" for dim (did you mean -dim?)'),
        (
            "torch::tensor_sum $w --dim=1",
            'expected integer but got "--dim=1" for dim (did you mean -dim?)',
        ),
        ("torch::tensor_sum $w -axis=1", 'expected integer but got "-axis=1" for dim'),
        ("torch::tensor_sum $w -dim --dim", 'expected integer but got "--dim" for -dim'),
        ("torch::show $w --numRows 3", 'expected integer but got "--numRows" for rows'),
        ("torch::show -- --help", 'no such tensor "--help"'),
        ("torch::show v --help", 'no such tensor "v"'),
    ],
)
def test_an_option_as_other_programs_have_them(tcl: Interpreter, script: str, message: str) -> None:
    tcl.eval("set w [torch::ones 2]")
    assert error_of(tcl.eval, script).message == message


def test_a_mistyped_command_suggests_the_nearest(tcl: Interpreter) -> None:
    for called in ("torch::zerso 2", "::torch::zerso 2", "eval {torch::zerso 2}"):
        error = error_of(tcl.eval, called)
        name = called.removeprefix("eval {").split()[0]
        assert error.message == f'invalid command name "{name}" (did you mean torch::zeros?)'
        assert error.errorcode == ("TCL", "LOOKUP", "COMMAND", name)
        assert error.errorinfo.startswith(error.message + "\n    while executing\n")
    error = error_of(tcl.eval, "torch zerso 2")
    assert error.message == 'unknown subcommand "zerso" (did you mean zeros?)'
    assert error.errorcode == ("TCL", "LOOKUP", "SUBCOMMAND", "zerso")
    assert (
        error_of(tcl.eval, "torch qqqqqq").message
        == 'unknown subcommand "qqqqqq" (torch::help lists all commands)'
    )
    assert error_of(tcl.eval, "zerso").message == 'invalid command name "zerso" (did you mean torch::zeros?)'
    assert error_of(tcl.eval, "help").message == 'invalid command name "help" (did you mean torch::help?)'
    assert tcl.eval("catch {torch::zerso 2} message; set message") == 'invalid command name "torch::zerso"'
    assert tcl.eval("rename ::torch::rand {}; catch {torch rand 2} message; set message") == (
        'unknown subcommand "rand" (did you mean randn, randint or tensor_rand?)'
    )
    # a command of the user's own is found first, also in the ensemble
    assert tcl.eval("proc ::torch::zerso n {return mine}; torch zerso 2") == "mine"


@pytest.mark.parametrize(
    ("called", "hint"),
    [
        (
            "quantize",
            "did you mean torch::quantize_per_tensor, torch::quantize_per_channel or "
            "torch::quantize_integers? torch::help quantize lists more",
        ),
        (
            "fake_quant",
            "did you mean torch::fake_quantize_per_tensor, torch::fake_quantize_per_channel or "
            "torch::fake_quantize_learnable_per_tensor? torch::help fake_quant lists more",
        ),
        (
            "fakeQuantize",
            "did you mean torch::fakeQuantizePerTensor, torch::fakeQuantizePerChannel or "
            "torch::fakeQuantizeLearnablePerTensor? torch::help fakeQuantize lists more",
        ),
        (
            "tensor",
            "did you mean torch::tensor_create, torch::tensor_to_list or torch::tensor_item? "
            "torch::help tensor lists more",
        ),
        ("progress", "did you mean torch::progress_bar or torch::progress_step?"),
        ("tensor_som", "did you mean torch::tensor_sum?"),
        ("matmul", "did you mean torch::tensor_matmul?"),
        ("exp", "did you mean torch::export_integers, torch::export_model or torch::tensor_exp?"),
        (
            "quantise",
            "did you mean torch::quantize_per_tensor, torch::quantize_per_channel or "
            "torch::quantize_integers?",
        ),
        ("tensorSom", "did you mean torch::tensorSum?"),
        ("hardware", "torch::help hardware lists commands"),
        ("tensor_transpose", "torch::apropos transpose lists commands"),
        (
            "tensor_quantize",
            "did you mean torch::quantize_per_tensor, torch::quantize_per_channel or "
            "torch::quantize_integers?",
        ),
        ("tensorConv2d", "did you mean torch::conv2d or torch::conv2dLayer?"),
        ("tensor_cat", "torch::help lists all commands"),
    ],
)
def test_a_guess_at_a_command(tcl: Interpreter, called: str, hint: str) -> None:
    error = error_of(tcl.eval, f"torch::{called}")
    assert error.message == f'invalid command name "torch::{called}" ({hint})'
    in_ensemble = re.sub(r"torch::(?!help|apropos)", "", hint)
    assert error_of(tcl.eval, f"torch {called}").message == f'unknown subcommand "{called}" ({in_ensemble})'
    listing = re.search(r"torch::help (?!lists )\w+", hint)
    if listing:
        known = [each.removesuffix("?") for each in re.findall(r"torch::(\w+\b)", hint.partition("?")[0])]
        listed = re.findall(r"^torch::(\w+)$", tcl.eval(listing[0]), re.MULTILINE)
        assert set(listed) - set(known)


@pytest.mark.parametrize(
    ("script", "end"),
    [
        (
            "torch::info default zeros foo",
            'torch::zeros has no parameter "foo": must be shape, dtype, device, requires_grad',
        ),
        ("torch::info default version foo", 'torch::version has no parameter "foo"'),
        ("torch::info family quantise_integers", "(did you mean quantize_integers?)"),
        ("torch::export_integers [torch::ones 2] w.c c", "npy, json (did you mean c_header?)"),
        ("torch::tensor_sum -inptu 1", "must be -input, -dim (did you mean -input?)"),
        ("torch::arange -strat 1 -end 2", "(did you mean -start?)"),
    ],
)
def test_messages_suggest(tcl: Interpreter, script: str, end: str) -> None:
    assert error_of(tcl.eval, script).message.endswith(end)
