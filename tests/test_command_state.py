"""The commands that work on state, on files or on the screen, and the checks of the quantization commands."""

import os
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from pybridge import Interpreter
from tests.interpreters import error_of
from tests.warm import Warm


def test_manual_seed_repeats_the_same_numbers(tcl: Interpreter) -> None:
    torch.manual_seed(123)
    expected = torch.rand(4).tolist()
    assert tcl.call("torch::tensor_to_list", tcl.eval("torch::manual_seed 123; torch::rand 4")) == tuple(
        expected
    )


def test_backward_and_grad(tcl: Interpreter) -> None:
    x = torch.tensor([1.5, -2.0], requires_grad=True)
    (x * x).backward(torch.tensor([1.0, 10.0]))
    tcl.eval("set x [torch::tensor_create {1.5 -2} -requires_grad 1]; set y [torch::tensor_mul $x $x]")
    tcl.eval("torch::tensor_backward $y [torch::tensor_create {1 10}] -retain_graph 1")
    assert x.grad is not None
    assert tcl.eval("torch::tensor_to_list [torch::tensor_grad $x]") == "3.0 -40.0"
    assert x.grad.tolist() == [3.0, -40.0]
    tcl.eval("torch::tensor_backward $y [torch::tensor_create {1 10}]")  # gradients add up
    assert tcl.eval("torch::tensor_to_list [torch::tensor_grad $x]") == "6.0 -80.0"
    error = error_of(tcl.eval, "torch::tensor_backward $y [torch::tensor_create {1 10}]")
    assert error.errorcode == ("TORCH", "RUNTIME", "RuntimeError")
    assert error.message.startswith("Trying to backward through the graph a second time")
    for handle, reason in (("$y", "only leaves"), ("[torch::ones 1]", "without requires_grad")):
        error = error_of(tcl.eval, f"torch::tensor_grad {handle}")
        assert error.errorcode == ("TORCH", "ARG", "VALUE", "input")
        assert reason in error.message
    assert "yet" in error_of(tcl.eval, "torch::tensor_grad [torch::ones 1 -requires_grad 1]").message


def test_gradient_mode(tcl: Interpreter) -> None:
    tcl.eval("set x [torch::ones 2 -requires_grad 1]")
    recorded = "torch::tensor_requires_grad [torch::tensor_add $x $x]"
    assert tcl.eval(recorded) == "1"
    assert tcl.eval(f"torch::no_grad {{{recorded}}}") == "0"
    assert tcl.eval(recorded) == "1"
    tcl.eval("torch::no_grad")
    assert tcl.eval(recorded) == "0"
    with Interpreter() as other:  # a setting of one interpreter, not of the process
        assert other.eval("torch::is_grad_enabled") == "1"
    assert torch.is_grad_enabled()
    tcl.eval("torch::enable_grad")
    assert tcl.eval(recorded) == "1"
    tcl.eval("torch::set_grad_enabled off")
    assert tcl.eval("torch::is_grad_enabled") == "0"


def test_handles_free_keep_and_memory(tcl: Interpreter) -> None:
    tcl.eval("set a [torch::zeros 256]; set view [torch::tensor_reshape $a {16 16}]; set b [torch::ones 10]")
    assert tcl.eval("torch::handles") == "tensor0 tensor1 tensor2"
    assert tcl.eval("torch::handles {tensor[12]}") == "tensor1 tensor2"
    assert tcl.eval("torch::memory") == "live 3 bytes 1064 peak_bytes 1064 created 3 freed 0"
    tcl.eval("torch::free $a")
    assert tcl.eval("dict get [torch::memory] bytes") == "1064"  # the view holds the storage
    tcl.eval("torch::free $view $b")
    assert tcl.eval("torch::memory") == "live 0 bytes 0 peak_bytes 1064 created 3 freed 3"
    assert error_of(tcl.eval, "torch::free $a").message == 'tensor "tensor0" was freed'
    tcl.eval("torch::scope {set kept [torch::keep [torch::ones 3]]; torch::ones 4; expr 0}")
    assert tcl.eval("torch::handles") == tcl.eval("set kept")


def test_scope_and_local(tcl: Interpreter) -> None:
    tcl.eval("proc p {} {torch::local x [torch::ones 3]; return [torch::tensor_to_list $x]}")
    assert tcl.eval("torch::scope {torch::zeros 2; p}") == "1.0 1.0 1.0"
    assert tcl.eval("torch::handles") == ""
    assert tcl.eval("torch::scope {list [torch::zeros 2] {nested [torch::zeros 2]}}").startswith("tensor2 ")
    assert tcl.eval("torch::handles") == "tensor2"


def test_remote_and_async(tcl: Interpreter) -> None:
    assert tcl.eval("proc p {} {torch::remote {set here [info level]; torch::ones 3}}; p") == "tensor0"
    assert tcl.eval("set here") == "0"
    tcl.eval("set done {}; proc done {name result how} {lappend ::done $name $result [dict get $how -code]}")
    tcl.eval("torch::async {torch::tensor_create {1 2 3}} -command {done bulk}")
    tcl.eval("torch::async {torch::remote {expr {1 + 2}}} {done script}")
    tcl.eval("set token [torch::async {torch::ones 5} {done cancelled}]")
    assert tcl.eval("list [torch::cancel $token] [torch::cancel $token] [torch::cancel other]") == "1 0 0"
    tcl.eval("torch::async {torch::tensor_sum tensor9} {done error}")
    tcl.eval("while {[llength $done] < 12} {vwait done}")
    assert tcl.eval("set done").split(" ", 3)[:3] == ["cancelled", "interrupted", "1"]
    assert tcl.eval("lrange $done 3 end") == 'bulk tensor1 0 script 3 0 error {no such tensor "tensor9"} 1'
    assert tcl.eval("torch::tensor_to_list tensor1") == "1.0 2.0 3.0"


def test_shutdown_and_restart_free_all(tcl: Interpreter) -> None:
    tcl.eval("torch::ones 2; torch::shutdown")
    assert tcl.eval("torch::handles") == ""
    tcl.eval("torch::ones 2")
    assert tcl.eval("list [torch::restart] [torch::handles]") == "{the handles of before are gone} {}"


def test_safetensors_round_trip(tcl: Interpreter, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    tensors = {
        "weight": torch.tensor([[1.5, float("nan")], [-0.0, float("inf")]]),
        "half": torch.tensor([1.0, 2.0], dtype=torch.bfloat16),
        "count": torch.tensor(2**62 + 1),
        "empty": torch.zeros(0, 3),
        "a b{c}": torch.tensor([True, False]),
    }
    save_file(tensors, path)
    tcl.call("set", "path", str(path))
    assert tcl.eval("lsort [dict keys [set loaded [torch::load_safetensors $path]]]") == tcl.call(
        "join", tuple("{" + name + "}" if " " in name else name for name in sorted(tensors))
    )
    for name, tensor in tensors.items():
        got = tcl.dispatcher.table.objects[tcl.call("dict", "get", tcl.call("set", "loaded"), name)]
        assert got.dtype == tensor.dtype
        assert torch.equal(torch.nan_to_num(got.float()), torch.nan_to_num(tensor.float()))
    assert tcl.eval("dict get [torch::safetensors_info $path] weight") == "dtype float32 shape {2 2} bytes 16"
    assert tcl.eval("dict get [torch::safetensors_info $path] count") == "dtype int64 shape {} bytes 8"
    assert tcl.eval("dict keys [torch::load_safetensors $path -names {[wh]*}]") == "half weight"
    copy = tmp_path / "copy.safetensors"
    tcl.eval(f"torch::save_safetensors $loaded {{{copy}}}")
    again = load_file(copy)
    assert {name: (t.dtype, t.shape) for name, t in again.items()} == {
        name: (t.dtype, t.shape) for name, t in tensors.items()
    }
    assert again["weight"].view(torch.int32).tolist() == tensors["weight"].view(torch.int32).tolist()
    assert [each.name for each in tmp_path.iterdir() if "copy" in each.name] == ["copy.safetensors"]


def test_a_loaded_file_may_be_replaced(tcl: Interpreter, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file({"w": torch.arange(100000.0)}, path)
    tcl.call("set", "path", str(path))
    tcl.eval("set loaded [torch::load_safetensors $path]; torch::save_safetensors $loaded $path")
    path.write_bytes(b"")
    assert tcl.eval("torch::tensor_item [torch::tensor_max [dict get $loaded w]]") == "99999.0"
    # the tensor itself, not a map of the file
    assert tcl.eval("torch::memory").startswith("live 2 bytes 400004 ")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00",
        b"not a safetensors file at all",
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 10) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        b"".join(
            [
                struct.pack("<Q", 58),
                b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}    ',
                b"\0\0\0\0",
            ]
        ),
        b"".join(
            [
                struct.pack("<Q", 72),
                b'{"w":{"dtype":"F32","shape":[9999999999999999],"data_offsets":[0,8]}}   '.ljust(72)[:72],
                b"\0" * 8,
            ]
        ),
    ],
)
@pytest.mark.parametrize("command", ["load_safetensors", "safetensors_info"])
def test_a_file_that_is_no_safetensors_file(
    tcl: Interpreter, tmp_path: Path, content: bytes, command: str
) -> None:
    path = tmp_path / "bad file.safetensors"
    path.write_bytes(content)
    tcl.call("set", "path", str(path))
    error = error_of(tcl.eval, f"torch::{command} $path")
    assert error.errorcode == ("TORCH", "FILE", "FORMAT", str(path))
    assert error.message.startswith(f'"{path}"')


def test_file_errors_are_those_of_the_system(tcl: Interpreter, tmp_path: Path) -> None:
    missing = error_of(tcl.eval, "torch::load_safetensors /no/such/file")
    assert missing.message == 'couldn\'t open "/no/such/file": no such file or directory'
    assert missing.errorcode == ("POSIX", "ENOENT", "no such file or directory")
    tcl.call("set", "folder", str(tmp_path))
    tcl.eval("set x [torch::ones 2]")
    assert error_of(tcl.eval, "torch::load_safetensors $folder").errorcode[:2] == ("POSIX", "EISDIR")
    assert error_of(tcl.eval, "torch::save_safetensors [list w $x] $folder").errorcode[:2] == (
        "POSIX",
        "EISDIR",
    )
    assert error_of(tcl.eval, "torch::save_safetensors [list w $x] $folder/no/x").errorcode[:2] == (
        "POSIX",
        "ENOENT",
    )
    quantized = "[torch::quantize_per_tensor $x 0.1 0 qint8]"
    refused = error_of(tcl.eval, f"torch::save_safetensors [list w {quantized}] $folder/q")
    assert refused.errorcode == ("TORCH", "ARG", "VALUE", "tensors")
    reserved = error_of(tcl.eval, "torch::save_safetensors [list __metadata__ $x] $folder/q")
    assert reserved.errorcode == ("TORCH", "ARG", "VALUE", "tensors")
    assert not list(tmp_path.iterdir())


def test_progress_is_drawn_on_a_terminal_only(warm: Warm, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "set bar [torch::progress_bar 4 layers]; foreach i {1 2} {torch::progress_step $bar 2}"
    done = warm.program("-c", script)
    assert (done.returncode, done.stderr) == (0, "")
    done = warm.drawn("-c", script)
    assert done.returncode == 0
    shown = done.stderr
    assert "layers" in shown
    assert "4/4" in shown
    monkeypatch.setenv("TQDM_DISABLE", "1")
    done = warm.drawn("-c", script)
    assert (done.returncode, done.stderr) == (0, "")


def test_progress_refuses_negative_counts(tcl: Interpreter) -> None:
    assert error_of(tcl.eval, "torch::progress_bar -1").errorcode == ("TORCH", "ARG", "VALUE", "total")
    error = error_of(tcl.eval, "torch::progress_step [torch::progress_bar 3] -1")
    assert error.errorcode == ("TORCH", "ARG", "VALUE", "count")
    assert (
        error_of(tcl.eval, "torch::tensor_add progress_bar0 progress_bar0").message
        == '"progress_bar0" is a progress_bar, not a tensor'
    )


@pytest.mark.parametrize(
    ("ending", "magic"), [("png", b"\x89PNG\r\n\x1a\n"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_plot_lines_writes_what_matplotlib_reads(
    tcl: Interpreter, tmp_path: Path, ending: str, magic: bytes
) -> None:
    path = tmp_path / f"plot.{ending}"
    tcl.eval(
        f"torch::plot_lines -file {{{path}}} -x {{1 2 3}}"
        " -series {_int8 {40 41.5 Inf} {$int_4} {18 19 NaN}} -title {SQNR $\\foo$ by layer}"
        " -xlabel layer -ylabel dB"
    )
    assert path.read_bytes().startswith(magic)
    if ending == "png":
        from matplotlib.image import imread

        assert imread(path).std() > 0.01  # something is drawn
    if ending == "svg":
        assert path.read_text().count("line2d") > 2


def test_saving_keeps_the_mode_and_the_link(tcl: Interpreter, tmp_path: Path) -> None:
    real, link = tmp_path / "real.safetensors", tmp_path / "link.safetensors"
    real.write_bytes(b"old")
    real.chmod(0o600)
    link.symlink_to(real)
    tcl.call("set", "path", str(link))
    tcl.eval("torch::save_safetensors [dict create w [torch::ones 2 float8_e4m3fn]] $path")
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o600
    assert tcl.eval("torch::safetensors_info $path") == "w {dtype float8_e4m3fn shape 2 bytes 2}"
    plain = tmp_path / "plain"
    plain.touch()
    tcl.eval("torch::save_safetensors {} $path.new")
    new = Path(f"{link}.new")
    assert new.stat().st_mode == plain.stat().st_mode
    assert len(list(tmp_path.iterdir())) == 4
    os.mkfifo(tmp_path / "fifo")
    tcl.call("set", "path", str(tmp_path / "fifo"))
    assert error_of(tcl.eval, "torch::save_safetensors {} $path").errorcode == (
        "TORCH",
        "ARG",
        "VALUE",
        "path",
    )


def test_unsigned_64_bit_integers_come_back(tcl: Interpreter) -> None:
    numbers = "18446744073709551615 9223372036854775808 0"
    assert tcl.eval(f"torch::tensor_to_list [torch::tensor_create {{{numbers}}} uint64]") == numbers
    assert (
        tcl.eval(f"torch::tensor_to_list [torch::tensor_create {{0x0 {numbers}}} uint64]") == f"0 {numbers}"
    )
    for words in ("{-1 2} uint64", "{18446744073709551616 1} uint64", "{1.5 9007199254740993} int64"):
        error = error_of(tcl.eval, f"torch::tensor_create {words}")
        assert error.errorcode == ("TORCH", "ARG", "VALUE", "values")


def test_file_messages_stay_on_one_line_and_show_the_whole_path(tcl: Interpreter, tmp_path: Path) -> None:
    header = b'{"w":{"dtype":"F32\\nX","shape":[2],"data_offsets":[0,8]}}'
    path = tmp_path / ("x" * 100 + "\n.safetensors")
    path.write_bytes(struct.pack("<Q", len(header)) + header + b"\0" * 8)
    tcl.call("set", "path", str(path))
    for name in ("$path", "$path.missing"):
        message = error_of(tcl.eval, f"torch::safetensors_info {name}").message
        assert "\n" not in message
        assert "x" * 100 in message
    assert error_of(tcl.eval, "torch::safetensors_info /dev/null").errorcode[:3] == ("TORCH", "ARG", "VALUE")


def test_plot_lines_refuses(tcl: Interpreter, tmp_path: Path) -> None:
    wrong = {
        f"-file {tmp_path}/a.png -x {{1 2}} -series {{s {{1 2 3}}}}": ("TORCH", "ARG", "VALUE", "series"),
        f"-file {tmp_path}/a.txt -x {{1 2}} -series {{s {{1 2}}}}": ("TORCH", "ARG", "VALUE", "file"),
        f"-file {tmp_path}/no/a.png -x {{1 2}} -series {{s {{1 2}}}}": ("POSIX", "ENOENT"),
    }
    for words, code in wrong.items():
        error = error_of(tcl.eval, f"torch::plot_lines {words}")
        assert error.errorcode[: len(code)] == code
    assert not list(tmp_path.iterdir())


# -- the checks of the quantization commands -------------------------------------------------------------

SETUP = """
set x [torch::tensor_create {{1.5 2.5 3.5} {4.5 5.5 6.5}}]
set s [torch::tensor_create {0.1 0.2 0.3}]
set z [torch::tensor_create {0 1 2} int32]
set ints [torch::tensor_create {{1 2 3} {4 5 6}} int32]
set progress [torch::progress_bar 1]
set freed [torch::ones 3]; torch::free $freed
"""

REFUSED = [
    ("fake_quantize_per_channel $ints $s $z 1", "VALUE input", "input must be floating-point but is int32"),
    (
        "fake_quantize_per_channel [torch::ones {}] $s $z 0",
        "VALUE axis",
        "axis must be a dimension of input, which has none, but is 0",
    ),
    ("fake_quantize_per_channel $x $s $z 2", "VALUE axis", "axis must be in -2 .. 1 for this input but is 2"),
    (
        "fake_quantize_per_channel $x $s $z -3",
        "VALUE axis",
        "axis must be in -2 .. 1 for this input but is -3",
    ),
    (
        "fake_quantize_per_channel $x $s $z 0",
        "VALUE scales",
        "scales must have 2 elements, one for each slice of axis 0, but has 3",
    ),
    (
        "fake_quantize_per_channel $x $s [torch::tensor_create {0 1} int32] 1",
        "VALUE zero_points",
        "zero_points must have 3 elements, one for each slice of axis 1, but has 2",
    ),
    ("fake_quantize_per_channel $x $x $z 1", "VALUE scales", "scales must be 1-D but has 2 dimensions"),
    (
        "fake_quantize_per_channel [torch::ones {2 1}] [torch::tensor_create {0.1}] $z 1",
        "VALUE scales",
        "scales must be 1-D but has 0 dimensions (-shape 1 makes it 1-D)",
    ),
    (
        "fake_quantize_per_channel $x $s [torch::tensor_create {0 1 300} int32] 1",
        "VALUE zero_points",
        "zero_points must be in -128 .. 127 but got 300",
    ),
    (
        "fake_quantize_per_channel $x $s [torch::tensor_create {0 -1 2} int64] 1 0 8589934592",
        "VALUE zero_points",
        "zero_points must be in 0 .. 8589934592 but got -1",
    ),
    (
        "fake_quantize_per_channel $x $s [torch::tensor_create {0 1 4294967296} int64] 1 0 8589934592",
        "VALUE zero_points",
        "zero_points must be in -2147483648 .. 2147483647 but got 4294967296",
    ),
    (
        "fake_quantize_per_channel $x $s $z 1 127 -128",
        "VALUE quant_min",
        "quant_min must be at most quant_max (-128) but is 127",
    ),
    (
        "fake_quantize_per_channel $x $ints $z 1",
        "VALUE scales",
        "scales must be 1-D but has 2 dimensions",
    ),
    (
        "fake_quantize_per_channel $x [torch::ones 3 int32] $z 1",
        "VALUE scales",
        "scales must be float32 or float64 but is int32",
    ),
    (
        "fake_quantize_per_channel $x [torch::ones 3 float16] $z 1",
        "VALUE scales",
        "scales must be float32 or float64 but is float16",
    ),
    (
        "fake_quantize_per_channel $x [torch::tensor_create {0.1 1e-50 1} float64] $z 1",
        "VALUE scales",
        "scales has 1e-50, which float32 cannot hold",
    ),
    (
        "fake_quantize_per_channel $x [torch::tensor_create {0.1 1 1e50} float64] $z 1",
        "VALUE scales",
        "scales has 1e+50, which float32 cannot hold",
    ),
    (
        "fake_quantize_per_channel $x $s [torch::zeros 3 float64] 1",
        "VALUE zero_points",
        "zero_points must be integers, float32 or float16 but are float64",
    ),
    (
        "fake_quantize_per_tensor $x $s 0",
        "VALUE zero_point",
        "scale and zero_point must be both numbers or both tensors",
    ),
    (
        "fake_quantize_per_tensor $x 0.1 $z",
        "VALUE zero_point",
        "scale and zero_point must be both numbers or both tensors",
    ),
    (
        "fake_quantize_per_tensor $x 0.1 300",
        "VALUE zero_point",
        "zero_point must be in -128 .. 127 but got 300",
    ),
    (
        "fake_quantize_per_tensor $x [torch::ones 1] [torch::full 1 300 int32]",
        "VALUE zero_point",
        "zero_point must be in -128 .. 127 but got 300",
    ),
    (
        "fake_quantize_per_tensor $x [torch::full 1 1e-50 float64] [torch::zeros 1 int32]",
        "VALUE scale",
        "scale has 1e-50, which float32 cannot hold",
    ),
    (
        "quantize_per_channel $x $s [torch::zeros 3 complex64] 1 qint8",
        "VALUE zero_points",
        "zero_points must be integers, float32 or float16 but are complex64",
    ),
    (
        "fake_quantize_per_channel $x $s [torch::zeros 3 bool] 1",
        "VALUE zero_points",
        "zero_points must be integers, float32 or float16 but are bool",
    ),
    (
        "fake_quantize_per_tensor $x $s $z",
        "VALUE scale",
        "scale must be a tensor of one element but has 3",
    ),
    ("fake_quantize_per_tensor $x 1e-48 0", "VALUE scale", "scale has 1e-48, which float32 cannot hold"),
    ("fake_quantize_per_tensor $x -1e39 0", "VALUE scale", "scale has -1e+39, which float32 cannot hold"),
    ("fake_quantize_per_tensor $ints 0.1 0", "VALUE input", "input must be floating-point but is int32"),
    (
        "fake_quantize_per_tensor $x 0.1 0 5 4",
        "VALUE quant_min",
        "quant_min must be at most quant_max (4) but is 5",
    ),
    (
        "quantize_per_channel $x $s $z 1 int8",
        "VALUE dtype",
        "dtype must be qint8, quint8 or qint32 but is int8",
    ),
    (
        "quantize_per_channel [torch::ones {2 3} float64] $s $z 1 qint8",
        "VALUE input",
        "input must be float32 but is float64",
    ),
    (
        "quantize_per_channel $x $s [torch::zeros 3] 1 qint32",
        "VALUE zero_points",
        "zero_points must be integers for qint32 but are floats",
    ),
    (
        "quantize_per_channel $x $s [torch::tensor_create {0 0 -1} int32] 1 quint8",
        "VALUE zero_points",
        "zero_points must be in 0 .. 255 but got -1",
    ),
    (
        "quantize_per_tensor $x 0.1 256 quint8",
        "VALUE zero_point",
        "zero_point must be in 0 .. 255 but got 256",
    ),
    ("int_repr $x", "VALUE input", "input must be quantized but is float32"),
    ("q_scale $x", "VALUE quantized_tensor", "quantized_tensor must be quantized but is float32"),
    (
        "q_scale [torch::quantize_per_channel $x $s $z 1 qint8]",
        "VALUE quantized_tensor",
        "quantized_tensor must be quantized per tensor but is quantized per channel",
    ),
    (
        "q_per_channel_axis [torch::quantize_per_tensor $x 0.1 0 qint8]",
        "VALUE quantized_tensor",
        "quantized_tensor must be quantized per channel but is quantized per tensor",
    ),
    ("fake_quantize_per_channel $freed $s $z 1", "HANDLE tensor5", 'tensor "tensor5" was freed'),
    ("fake_quantize_per_channel $x $progress $z 1", "HANDLE progress_bar3", None),
]


@pytest.mark.parametrize(("call", "code", "message"), REFUSED)
def test_quantization_refuses(tcl: Interpreter, call: str, code: str, message: str | None) -> None:
    tcl.eval(SETUP)
    error = error_of(tcl.eval, f"torch::{call}")
    if message is not None:
        assert error.message == message
    if code.startswith("VALUE"):
        assert " ".join(error.errorcode) == f"TORCH ARG {code}"
    else:
        assert error.errorcode[:2] == ("TORCH", "HANDLE")


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("axis", [0, 1, -1, -2])
def test_fake_quantize_per_channel_is_pytorchs_forward_and_backward(
    tcl: Interpreter, dtype: str, axis: int
) -> None:
    torch.manual_seed(3)
    x = (torch.randn(5, 7) * 4).to(getattr(torch, dtype)).requires_grad_()
    channels = x.shape[axis]
    scales = torch.rand(channels, dtype=torch.float64) / 10 + 0.01
    zero_points = torch.randint(-100, 100, (channels,))
    upstream = torch.randn(5, 7).to(x.dtype)
    wanted = torch.fake_quantize_per_channel_affine(x, scales.float(), zero_points.int(), axis % 2, -128, 127)
    wanted.backward(upstream)
    table = tcl.dispatcher.table
    mine = x.detach().clone().requires_grad_()
    handles = [table.add("tensor", each) for each in (mine, scales, zero_points)]
    result = tcl.call("torch::fake_quantize_per_channel", *handles, axis)
    tcl.call("torch::tensor_backward", result, table.add("tensor", upstream))
    assert torch.equal(table.objects[result], wanted)
    assert mine.grad is not None
    assert x.grad is not None
    assert torch.equal(mine.grad, x.grad)
    assert mine.grad.count_nonzero() not in (0, mine.numel())  # some were clamped, some not


@pytest.mark.parametrize("dtype", ["qint8", "quint8", "qint32"])
def test_quantize_per_channel_works_for_every_dtype(tcl: Interpreter, dtype: str) -> None:
    tcl.eval(SETUP)
    wanted = torch.quantize_per_channel(
        torch.tensor([[1.5, 2.5, 3.5], [4.5, 5.5, 6.5]]),
        torch.tensor([0.1, 0.2, 0.3]),
        torch.tensor([0, 1, 2]),
        1,
        getattr(torch, dtype),
    )
    got = tcl.eval(f"torch::tensor_to_list [torch::int_repr [torch::quantizePerChannel $x $s $z -1 {dtype}]]")
    assert got == " ".join(map(str, wanted.int_repr().flatten().tolist()))


def test_layers_are_not_there_yet(tcl: Interpreter) -> None:
    for call, name in {
        "conv2d 3 8 3": "conv2d",
        "conv2dLayer -inChannels 3 -outChannels 8 -kernelSize 3": "conv2d",
        "linear 3 8": "linear",
        "linearLayer 3 8 0": "linear",
    }.items():
        assert error_of(tcl.eval, f"torch::{call}").errorcode == ("TORCH", "UNSUPPORTED", name)
