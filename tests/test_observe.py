"""The commands on observers: their values against PyTorch's observers, and what a Tcl script can do wrong."""

from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from torch.ao.quantization import observer as torchs

from pybridge import Interpreter, TclError
from pybridge.commands.observe import Kind
from pybridge.prompt import torch_words
from pybridge.prompt.echo import echo
from pybridge.quant import apot_qparams
from tests.bits import same

X = torch.tensor([[1.5, -2.25, 3.0], [0.1, 5.5, -0.7]])
MORE = torch.tensor([[0.3, 2.0, -10.0], [4.0, 0.125, 9.0]])
# By kind, further options, and PyTorch's observer for -qscheme symmetric -dtype int8, if there is one.
TORCHS: dict[str, tuple[str, Any]] = {
    "minmax": ("", torchs.MinMaxObserver),
    "per_channel_minmax": ("-axis 1", torchs.PerChannelMinMaxObserver),
    "moving_average_minmax": ("-averaging_constant 0.25", torchs.MovingAverageMinMaxObserver),
    "moving_average_per_channel_minmax": (
        "-averaging_constant 0.25 -axis 1",
        torchs.MovingAveragePerChannelMinMaxObserver,
    ),
    "histogram": ("-bins 20", torchs.HistogramObserver),
}
MAKE = {kind: "-bits 4 -k 2" if kind == "apot" else "" for kind in get_args(Kind)}


@pytest.fixture
def with_x(tcl: Interpreter) -> Interpreter:
    """The interpreter with the tensors X and MORE as $x and $more."""
    table = tcl.dispatcher.table
    tcl.call("set", "x", table.add("tensor", X.clone()))
    tcl.call("set", "more", table.add("tensor", MORE.clone()))
    return tcl


def answer(tcl: Interpreter, observer: str = "$o") -> dict[str, Any]:
    """What calculate_qparams gives: tensors for handles, texts for all else."""
    tcl.eval(f"set answer [torch::calculate_qparams {observer}]")
    objects = tcl.dispatcher.table.objects
    keys = tcl.eval("dict keys $answer").split()
    return {key: objects.get(text, text) for key in keys for text in [tcl.eval(f"dict get $answer {key}")]}


@pytest.mark.parametrize("kind", TORCHS)
def test_qparams_of_each_kind(with_x: Interpreter, kind: str) -> None:
    options, made = TORCHS[kind]
    scope = "per_channel" if "per_channel" in kind else "per_tensor"
    extra: dict[str, Any] = {"averaging_constant": 0.25} if "-averaging" in options else {}
    extra |= {"ch_axis": 1} if "-axis" in options else {}
    extra |= {"bins": 20} if "-bins" in options else {}
    expected = made(dtype=torch.int8, qscheme=getattr(torch, f"{scope}_symmetric"), **extra)
    with_x.eval(f"set o [torch::observer {kind} -dtype int8 -qscheme symmetric {options}]")
    for name, tensor in (("x", X), ("more", MORE)):
        with_x.eval(f"torch::observe $o ${name}")
        expected(tensor)
    found = answer(with_x)
    scale, zero_point = expected.calculate_qparams()
    assert list(found) == ["scale", "zero_point", "quant_min", "quant_max", "axis"]
    assert (found["quant_min"], found["quant_max"]) == ("-128", "127")
    assert found["axis"] == ("1" if extra.get("ch_axis") else "")
    assert same(found["scale"].reshape(scale.shape), scale)
    assert found["zero_point"].tolist() == (zero_point.tolist() if scale.numel() > 1 else 0)


def test_qparams_of_apot(with_x: Interpreter) -> None:
    with_x.eval("set o [torch::observer apot -bits 4 -k 2 -signed 1]; torch::observe $o $x")
    found = answer(with_x)
    expected = apot_qparams(5.5, 4, 2, True)
    assert list(found) == ["alpha", "gamma", "levels", "level_indices"]
    assert float(found["alpha"]) == 5.5
    assert float(found["gamma"]) == expected.gamma
    assert torch.equal(found["levels"], expected.levels)
    assert torch.equal(found["level_indices"], expected.level_indices)


@pytest.mark.parametrize(
    ("options", "command", "expected"),
    [
        (
            "minmax",
            "torch::fake_quantize_per_tensor $x $scale $zero_point $quant_min $quant_max",
            lambda: torch.fake_quantize_per_tensor_affine(X, 7.75 / 255, 74, 0, 255),
        ),
        (
            "per_channel_minmax -axis -1 -dtype int8 -qscheme symmetric",
            "torch::fake_quantize_per_channel $x $scale $zero_point $axis $quant_min $quant_max",
            lambda: torch.fake_quantize_per_channel_affine(
                X, X.abs().amax(0) / 127.5, torch.zeros(3, dtype=torch.int32), 1, -128, 127
            ),
        ),
        (
            "per_channel_minmax -group_size 3 -bits 4 -signed 1 -qscheme symmetric",
            "torch::fake_quantize_per_channel [torch::tensor_reshape $x [list -1 $group_size]] "
            "$scale $zero_point $axis $quant_min $quant_max",
            lambda: torch.fake_quantize_per_channel_affine(
                X, X.abs().amax(1) / 7.5, torch.zeros(2, dtype=torch.int32), 0, -8, 7
            ),
        ),
    ],
)
def test_qparams_go_into_fake_quantize(
    with_x: Interpreter, options: str, command: str, expected: Any
) -> None:
    handle = with_x.eval(
        f"set o [torch::observer {options}]; torch::observe $o $x\n"
        f"set q [torch::calculate_qparams $o]; dict with q {{set y [{command}]}}\nset y"
    )
    assert same(with_x.dispatcher.table.objects[handle], expected())


def test_options_reach_the_observer(with_x: Interpreter) -> None:
    """By hand, for a range of -2.25 .. 5.5: each option alone changes what the formula says it changes."""

    def found(options: str) -> tuple[float, int]:
        with_x.eval(f"set o [torch::observer {options}]; torch::observe $o $x")
        got = answer(with_x)
        return got["scale"].item(), got["zero_point"].item()

    def scale(steps: float, width: float = 7.75) -> float:
        return (torch.tensor(width) / steps).item()

    assert found("minmax") == (scale(255), 74)
    assert found("minmax -dtype int8") == (scale(255), -54)
    assert found("minmax -bits 5") == (scale(31), 9)
    assert found("minmax -bits 5 -signed 1") == (scale(31), -7)
    assert found("minmax -signed yes") == (scale(255), -54)
    assert found("minmax -qscheme symmetric") == (scale(127.5, 5.5), 128)
    assert found("minmax -quant_max 15") == (scale(15), 4)
    assert found("minmax -quant_min -16 -quantMax 15") == (scale(31), -7)
    assert found("minmax -reduce_range 1") == (scale(127), 37)
    assert found("minmax -eps 0.5") == (0.5, 4)
    assert found("minmax -scaleMode power_of_two") == (2**-5, 72)
    assert found("percentile -percentile 80") == (scale(255, 3.7), 48)
    assert found("mse -eps 31.0") == (31.0, 0)


def test_observe_gives_the_tensor_itself(with_x: Interpreter) -> None:
    """In a pipeline: nothing new is made, and the observer has seen it."""
    table = with_x.dispatcher.table
    with_x.eval("set o [torch::observer minmax]")
    before = dict(table.objects)
    assert with_x.eval("torch::observe $o $x") == with_x.eval("set x")
    assert dict(table.objects) == before
    y = with_x.eval("torch::tensor_add [torch::observe $o $x] [torch::observe -input $more -observer $o]")
    assert same(table.objects[y], X + MORE)
    assert table.objects[with_x.eval("set o")].inner.max_val.item() == 9.0


def test_observe_takes_no_gradient_along(with_x: Interpreter) -> None:
    with_x.eval("set w [torch::tensor_create {1.0 -3.0} -requires_grad 1]")
    with_x.eval("set o [torch::observer mse]; torch::observe $o $w; torch::observe $o $w")
    assert not answer(with_x)["scale"].requires_grad
    with_x.eval("torch::tensor_backward [torch::tensor_sum [torch::observe $o $w]]")
    assert with_x.eval("torch::tensor_to_list [torch::tensor_grad $w]") == "1.0 1.0"


def test_reset(with_x: Interpreter) -> None:
    with_x.eval("set o [torch::observer percentile -percentile 100]; torch::observe $o $more")
    assert with_x.eval("torch::reset_observer $o; torch::observe $o $x") == with_x.eval("set x")
    assert answer(with_x)["scale"].item() == (torch.tensor(7.75) / 255).item()


@pytest.mark.parametrize("kind", get_args(Kind))
def test_state_through_a_file(with_x: Interpreter, kind: str, tmp_path: Path) -> None:
    """Another observer of the kind goes on from the saved state as the first one does."""
    make = f"torch::observer {kind} {MAKE[kind]}"
    file = with_x.call("set", "file", str(tmp_path / "state.safetensors"))
    with_x.eval(f"set o [{make}]; torch::observe $o $x")
    with_x.eval("torch::save_safetensors [torch::observer_state $o] $file")
    with_x.eval(f"set again [{make}]; torch::load_observer_state $again [torch::load_safetensors $file]")
    with_x.eval("torch::observe $o $more; torch::observe $again $more")
    first, second = answer(with_x, "$o"), answer(with_x, "$again")
    assert file
    assert first.keys() == second.keys()
    for key, value in first.items():
        assert torch.equal(value, second[key]) if isinstance(value, torch.Tensor) else value == second[key]


def test_state_before_the_first_tensor(tcl: Interpreter, tmp_path: Path) -> None:
    tcl.call("set", "file", str(tmp_path / "state.safetensors"))
    for kind in get_args(Kind):
        tcl.eval(f"set o [torch::observer {kind} {MAKE[kind]}]")
        tcl.eval("torch::save_safetensors [torch::observer_state $o] $file")
        assert tcl.eval("torch::load_observer_state $o [torch::load_safetensors $file]") == ""
        assert not tcl.dispatcher.table.objects[tcl.eval("set o")].inner.has_observed


@pytest.mark.parametrize("kind", get_args(Kind))
def test_options_without_meaning(tcl: Interpreter, kind: str) -> None:
    """Every kind refuses the options of others, names those that have them, and makes nothing."""
    taken = {
        "axis": {"per_channel_minmax", "moving_average_per_channel_minmax", "percentile", "mse"},
        "averaging_constant": {"moving_average_minmax", "moving_average_per_channel_minmax"},
        "bins": {"histogram"},
        "percentile": {"percentile"},
        "k": {"apot"},
        "group_size": {"per_channel_minmax", "moving_average_per_channel_minmax", "percentile", "mse"},
        "quant_min": set(get_args(Kind)) - {"apot"},
        "qscheme": set(get_args(Kind)) - {"apot"},
    }
    for option, kinds in taken.items():
        word = "affine" if option == "qscheme" else "0" if option in ("axis", "quant_min") else "1"
        call = f"torch::observer {kind} -{option} {word}"
        if kind in kinds:
            if kind != "apot":
                tcl.eval(f"torch::free [{call.replace('percentile 1', 'percentile 99')}]")
            continue
        with pytest.raises(TclError) as raised:
            tcl.eval(call)
        ordered = ", ".join(each for each in get_args(Kind) if each in kinds)
        assert raised.value.message == f"{option} has no meaning for kind {kind}, only for {ordered}"
        assert raised.value.errorcode == ("TORCH", "ARG", "VALUE", option)
    assert not tcl.dispatcher.table.objects


@pytest.mark.parametrize(
    ("script", "message", "code"),
    [
        ("torch::observer minmax -bits 1", "bits must be in 2 .. 16 but is 1", "TORCH ARG VALUE bits"),
        ("torch::observer apot -k 2", 'missing required option "-bits"', "TORCH ARG MISSING bits"),
        ("torch::observer apot -bits 4", 'missing required option "-k"', "TORCH ARG MISSING k"),
        ("torch::observer apot -bits 4 -k 3", "k must divide bits (4) but is 3", "TORCH ARG VALUE k"),
        ("torch::observe $x $x", '"tensor0" is a tensor, not an observer', "TORCH HANDLE tensor0"),
        ("torch::observe $o $o", '"observer2" is an observer, not a tensor', "TORCH HANDLE observer2"),
        ("torch::observe $o tensor77", 'no such tensor "tensor77"', "TORCH HANDLE tensor77"),
        (
            "torch::observe $o $flat",
            "input must have 2 channels, as observed before, but has 6",
            "TORCH ARG VALUE input",
        ),
        (
            "torch::load_observer_state $o [list min_val $x]",
            "state must hold min_val and max_val but holds min_val",
            "TORCH ARG VALUE state",
        ),
        (
            "torch::calculate_qparams $unused",
            "observer has not seen any data, and without there is no alpha",
            "TORCH ARG VALUE observer",
        ),
    ],
)
def test_mistakes(with_x: Interpreter, script: str, message: str, code: str) -> None:
    """Each is refused, makes no handle, and leaves the observer as it was."""
    table = with_x.dispatcher.table
    with_x.eval("set o [torch::observer per_channel_minmax]; torch::observe $o $x")
    with_x.eval("set unused [torch::observer apot -bits 4 -k 2]; set flat [torch::tensor_reshape $x 6]")
    state = table.objects[with_x.eval("set o")].inner.state()
    before = dict(table.objects)
    with pytest.raises(TclError) as raised:
        with_x.eval(script)
    assert raised.value.message == message
    assert " ".join(raised.value.errorcode) == code
    assert dict(table.objects) == before
    for name, tensor in table.objects[with_x.eval("set o")].inner.state().items():
        assert torch.equal(tensor, state[name])


def test_never_observed_is_a_warning(tcl: Interpreter) -> None:
    tcl.eval("set o [torch::observer minmax]")
    with pytest.warns(UserWarning, match="has not seen any data"):
        found = answer(tcl)
    assert (found["scale"].item(), found["zero_point"].item()) == (1.0, 0)


def test_an_observer_in_a_line(with_x: Interpreter) -> None:
    table = with_x.dispatcher.table
    observer = with_x.eval("set o [torch::observer per_channel_minmax -bits 4 -signed 1]")
    assert echo(observer, table, 80) == f"{observer}  per_channel_minmax to -8 .. 7  saw nothing yet"
    with_x.eval("torch::observe $o $x")
    assert (
        echo(observer, table, 80)
        == f"{observer}  per_channel_minmax to -8 .. 7  saw 2 channels in -2.25 .. 5.5"
    )
    with_x.eval("set p [torch::observer percentile]; torch::observe $p $x; torch::observe $p $x")
    assert with_x.eval("torch::handles $p -details 1").endswith(
        "  48 bytes  percentile to 0 .. 255  saw 12 elements"
    )
    with_x.eval("set h [torch::observer histogram]; torch::observe $h $x")
    assert with_x.eval("torch::handles $h -details 1").endswith("saw -2.25 .. 5.5, 6 counted")
    with_x.eval("set a [torch::observer apot -bits 4 -k 2]; torch::observe $a $x")
    assert with_x.eval("torch::handles $a -details 1").endswith("apot to 4 bits, 2 a term  saw -2.25 .. 5.5")


def test_memory_counts_what_observers_keep(with_x: Interpreter) -> None:
    """Four bytes an element, or of a minimum and a maximum; beside two tensors."""
    table = with_x.dispatcher.table
    tensors = table.storages.bytes
    with_x.eval("set p [torch::observer percentile]; torch::observe $p $x; torch::observe $p $x")
    assert table.storages.bytes == tensors + 48
    with_x.eval("set m [torch::observer per_channel_minmax]; set h [torch::observer histogram -bins 10]")
    assert table.storages.bytes == tensors + 48 + (10 + 2) * 4
    with_x.eval("torch::observe $m $x; torch::observe $h $x")
    assert table.storages.bytes == tensors + 48 + 2 * 2 * 4 + (10 + 2) * 4
    assert with_x.eval("dict get [torch::memory] bytes") == str(table.storages.bytes)
    with_x.eval("torch::free $m $h; set again [torch::observer percentile]")
    with_x.eval("torch::scope {torch::load_observer_state $again [torch::observer_state $p]}")
    assert table.storages.bytes == tensors + 48 + 48
    peak = table.storages.peak_bytes
    with_x.eval("torch::reset_observer $again")
    assert (table.storages.bytes, table.storages.peak_bytes) == (tensors + 48, peak)
    with_x.eval("torch::free $p $again")
    assert table.storages.bytes == tensors


def test_a_scope_frees_its_observers(with_x: Interpreter) -> None:
    live = len(with_x.dispatcher.table.objects)
    with_x.eval("torch::scope {torch::observe [torch::observer mse] $x; expr 0}")
    assert len(with_x.dispatcher.table.objects) == live


def test_the_prompt_offers_kinds_and_observers(tcl: Interpreter) -> None:
    table = tcl.dispatcher.table
    offered = [each.text for each in torch_words.arguments("observer", (), False, table).words]
    assert offered[: len(get_args(Kind))] == list(get_args(Kind))
    tcl.eval("torch::ones 2")
    observer = tcl.eval("torch::observer minmax")
    offered = [each.text for each in torch_words.arguments("observe", (), False, table).words]
    assert offered[0] == observer
    offered = [each.text for each in torch_words.arguments("observe", (observer,), False, table).words]
    assert offered[0] == "tensor0"
