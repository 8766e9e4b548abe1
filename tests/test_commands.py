"""Every command: the same value in every syntax, equal to PyTorch's, and an error for everything else."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from pybridge import Interpreter, TclError
from pybridge.documentation import documentation
from pybridge.registry import COMMANDS, Form
from pybridge.tcl_list import camel_case
from tests.samples import BAD_WORDS, CALLS, ELSEWHERE, SAMPLES, SETUP, TENSORS, Sample, quantized

DISPATCHED = sorted(name for name, command in COMMANDS.items() if not command.in_tcl)


@pytest.fixture(scope="module")
def shared() -> Iterator[Interpreter]:
    """An interpreter with the tensors that samples name as $name."""
    with Interpreter() as interpreter:
        table = interpreter.dispatcher.table
        for name, tensor in TENSORS.items():
            interpreter.call("set", name, table.add("tensor", tensor))
        for name in ("per_tensor", "per_channel"):
            interpreter.call("set", name, table.add("tensor", quantized(name)))
        interpreter.eval(SETUP)
        yield interpreter


def all_samples() -> list[Any]:
    return [
        pytest.param(name, sample, id=f"{name}-{index}")
        for name, samples in SAMPLES.items()
        for index, sample in enumerate(samples)
    ]


def evaluated(tcl: Interpreter, call: str, setup: str = "") -> Any:
    """The result of a call: the tensor behind a handle, else the text. Nothing stays in the table."""
    table = tcl.dispatcher.table
    live = len(table.objects)
    text = tcl.eval(f"{setup}\n{call}")
    if text not in table.objects:
        assert len(table.objects) == live
        return text
    tensor = table.objects[text]
    table.free([text])
    assert len(table.objects) == live
    return tensor


def assert_same(got: Any, expected: Any) -> None:
    """Equal bit for bit: dtype, shape, strides of dense results, and every element."""
    if not isinstance(expected, torch.Tensor):
        assert got == expected
        return
    assert isinstance(got, torch.Tensor)
    assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
    if expected.is_quantized:
        assert got.qscheme() == expected.qscheme()
        assert torch.equal(got.int_repr(), expected.int_repr())
        assert torch.equal(got.dequantize(), expected.dequantize())
        return
    assert got.stride() == expected.stride()
    assert bits(got) == bits(expected)


def bits(tensor: torch.Tensor) -> bytes:
    return (
        tensor.detach().contiguous().view(torch.uint8).numpy().tobytes()
        if tensor.dim()
        else bits(tensor[None])
    )


def spellings(sample: Sample, form: Form, name: str) -> list[str]:
    """The call in each of its syntaxes."""
    words = list(sample.words.items())
    camel = camel_case(name)
    calls = [f"torch::{called} {' '.join(word for _, word in words)}" for called in (name, camel)]
    for called, spell in ((name, str), (camel, camel_case)):
        options = [f"-{spell(parameter)} {word}" for parameter, word in words]
        calls += [f"torch::{called} {' '.join(options)}", f"torch::{called} {' '.join(reversed(options))}"]
        if words:
            calls.append(f"torch {called} {words[0][1]} {' '.join(options[1:])}")
    for parameter in form.signature.parameters:
        for spelling in parameter.spellings:
            others = [f"-{other} {word}" for other, word in words if other != parameter.name]
            calls.append(f"torch::{name} -{spelling} {sample.words[parameter.name]} {' '.join(others)}")
    return calls


@pytest.mark.parametrize(("name", "sample"), all_samples())
def test_value_in_every_syntax(shared: Interpreter, name: str, sample: Sample) -> None:
    form = COMMANDS[name].forms[sample.form]
    assert list(sample.words) == [parameter.name for parameter in form.signature.parameters]
    expected = sample.expected()
    if "requires_grad" in sample.words:
        expected.requires_grad_()
    for call in spellings(sample, form, name):
        got = evaluated(shared, call, sample.setup)
        assert_same(got, expected)
        if isinstance(expected, torch.Tensor):
            assert got.requires_grad == expected.requires_grad


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_each_default_is_the_documented_one(shared: Interpreter, name: str) -> None:
    """Leaving a parameter out is the same as writing the default that `torch::info` tells."""
    for sample in SAMPLES[name]:
        form = COMMANDS[name].forms[sample.form]
        for parameter in form.signature.parameters:
            if parameter.required or parameter.default is None or sample.form:
                continue
            default = shared.eval(f"torch::info default {name} {parameter.name}")
            words = {**sample.words, parameter.name: f"{{{default}}}"}
            if name == "conv2d":
                words["groups"] = "2"  # no other number fits these channels
            options = {other: f"-{other} {word}" for other, word in words.items()}
            written = evaluated(shared, f"torch::{name} {' '.join(options.values())}", sample.setup)
            if parameter.name != "groups":
                del options[parameter.name]
            left_out = evaluated(shared, f"torch::{name} {' '.join(options.values())}", sample.setup)
            assert_same(left_out, written)


def bad_word(noun: str) -> tuple[str, str]:
    return ("no_such_choice", "TCL LOOKUP INDEX") if noun.startswith("one of ") else BAD_WORDS[noun]


def failing_calls(name: str) -> Iterator[tuple[str, str]]:
    """Calls that must fail, and how their error code begins."""
    command = COMMANDS[name]
    longest = max(len(form.signature.parameters) for form in command.forms)
    if not any(form.signature.variadic for form in command.forms):
        yield f"torch::{name} {' '.join(['x'] * (longest + 1))}", "TCL WRONGARGS"
        yield f"torch::{camel_case(name)} {' '.join(['x'] * (longest + 1))}", "TCL WRONGARGS"
    if any(form.signature.parameters for form in command.forms):
        yield f"torch::{name} -no_such_option 1", "TCL LOOKUP INDEX option -no_such_option"
    else:
        yield f"torch::{name} -no_such_option 1", "TCL"
    if min(form.signature.required for form in command.forms):
        yield f"torch::{name}", "TCL WRONGARGS"
    calls = [(sample.form, sample.words) for sample in SAMPLES.get(name, [])] or [(0, CALLS[name])]
    for index, words in calls:
        for parameter in command.forms[index].signature.parameters:
            yield f"torch::{name} -{parameter.name}", f"TORCH ARG MISSING {parameter.name}"
            if parameter.type.free:
                continue
            bad, code = bad_word(parameter.type.noun)
            bad_call = {**words, parameter.name: bad}
            options = " ".join(f"-{other} {word}" for other, word in bad_call.items())
            yield f"torch::{name} {options}", code
            if len(command.forms) == 1:
                yield f"torch::{name} {' '.join(bad_call.values())}", code


@pytest.mark.parametrize("name", DISPATCHED)
def test_wrong_words_are_refused_and_leave_nothing(shared: Interpreter, name: str) -> None:
    table = shared.dispatcher.table
    for call, code in failing_calls(name):
        before = (dict(table.objects), table.created, table.storages.bytes)
        with pytest.raises(TclError) as raised:
            shared.eval(call.replace("{w $a}", "[list w $a]"))
        assert " ".join(raised.value.errorcode).startswith(code), (call, raised.value)
        assert "\n" not in raised.value.message
        assert "Traceback" not in raised.value.errorinfo, call
        assert (dict(table.objects), table.created, table.storages.bytes) == before, call


def test_every_command_is_covered(record_property: Any) -> None:
    covered = set(SAMPLES) | set(ELSEWHERE)
    assert covered == set(COMMANDS), covered ^ set(COMMANDS)
    for test in ELSEWHERE.values():
        module, _, function = test.partition(".")
        assert callable(getattr(importlib.import_module(f"tests.{module}"), function)), test
    assert set(DISPATCHED) == set(SAMPLES) | set(CALLS)
    forms = [(name, index) for name in SAMPLES for index in range(len(COMMANDS[name].forms))]
    sampled = {(name, sample.form) for name, samples in SAMPLES.items() for sample in samples}
    assert set(forms) - sampled == {("conv2d", 1), ("linear", 1)}  # the layers, which are not there yet
    calls = sum(map(len, SAMPLES.values()))
    record_property("said", f"{len(covered)} commands covered, {calls} calls compared with PyTorch")


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_example_of_the_docstring_runs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lines under `Example:` end in the result they show after `=>`."""
    monkeypatch.chdir(tmp_path)
    known = documentation(COMMANDS[name])
    assert known.example
    assert known.result
    with Interpreter() as tcl:
        assert tcl.eval(known.example) == ("" if known.result == "{}" else known.result)
