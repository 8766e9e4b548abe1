"""The commands that compute, make and look at tensors, and those about the package."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from tests.samples.sample import TENSORS, Sample, quantized, seeded

T = TENSORS
_SEED = "torch::manual_seed 7"
_OPTIONS = {"dtype": "float64", "device": "cpu", "requires_grad": "1"}
_F64 = torch.float64


def _unary(function: Callable[[torch.Tensor], Any], name: str = "a") -> Sample:
    return Sample({"input": f"${name}"}, lambda: function(TENSORS[name]))


def _reduction(function: Callable[..., Any]) -> Sample:
    return Sample({"input": "$a", "dim": "1"}, lambda: function(TENSORS["a"], 1))


def _of_quantized(name: str, function: Callable[[torch.Tensor], Any], parameter: str) -> Sample:
    return Sample({parameter: f"${name}"}, lambda: function(quantized(name)))


SAMPLES: dict[str, list[Sample]] = {
    "tensor_create": [
        Sample(
            {"values": "{1 2.5 -3 4}", "shape": "{2 2}", **_OPTIONS},
            lambda: torch.tensor([[1, 2.5], [-3, 4]], dtype=_F64),
        ),
        Sample(
            {"values": "{1 2.5 -3 4}", **_OPTIONS}, lambda: torch.tensor([1, 2.5, -3, 4], dtype=_F64), form=1
        ),
    ],
    "zeros": [Sample({"shape": "{2 3}", **_OPTIONS}, lambda: torch.zeros(2, 3, dtype=_F64))],
    "ones": [Sample({"shape": "{2 3}", **_OPTIONS}, lambda: torch.ones(2, 3, dtype=_F64))],
    "empty": [
        Sample({"shape": "{2 0 3}", **_OPTIONS}, lambda: torch.empty(2, 0, 3, dtype=_F64)),
    ],
    "full": [Sample({"shape": "2", "value": "1.25", **_OPTIONS}, lambda: torch.full((2,), 1.25, dtype=_F64))],
    "eye": [
        Sample({"n": "2", "m": "3", **_OPTIONS}, lambda: torch.eye(2, 3, dtype=_F64)),
        Sample({"n": "2", **_OPTIONS}, lambda: torch.eye(2, dtype=_F64), form=1),
    ],
    "arange": [
        Sample({"end": "5", "dtype": "int32", "device": "cpu"}, lambda: torch.arange(5, dtype=torch.int32)),
        Sample(
            {"start": "0.5", "end": "-3", "step": "-0.75", "dtype": "float64", "device": "cpu"},
            lambda: torch.arange(0.5, -3, -0.75, dtype=_F64),
            form=1,
        ),
        Sample(
            {"start": "2", "end": "5", "dtype": "int64", "device": "cpu"}, lambda: torch.arange(2, 5), form=2
        ),
    ],
    "linspace": [
        Sample(
            {"start": "-1", "end": "2", "steps": "7", "dtype": "float64", "device": "cpu"},
            lambda: torch.linspace(-1, 2, 7, dtype=_F64),
        )
    ],
    "rand": [
        Sample(
            {"shape": "{2 3}", "device": "cpu", "dtype": "float64"},
            seeded(lambda: torch.rand(2, 3, dtype=_F64)),
            _SEED,
        )
    ],
    "randn": [
        Sample(
            {"shape": "{2 3}", "device": "cpu", "dtype": "float64"},
            seeded(lambda: torch.randn(2, 3, dtype=_F64)),
            _SEED,
        )
    ],
    "randint": [
        Sample(
            {"low": "-5", "high": "100", "shape": "{2 3}", **_OPTIONS},
            seeded(lambda: torch.randint(-5, 100, (2, 3), dtype=_F64)),
            _SEED,
        )
    ],
    "zeros_like": [Sample({"input": "$a", **_OPTIONS}, lambda: torch.zeros(2, 3, dtype=_F64))],
    "ones_like": [Sample({"input": "$a", **_OPTIONS}, lambda: torch.ones(2, 3, dtype=_F64))],
    "tensor_shape": [_unary(lambda a: "2 3")],
    "tensor_dtype": [_unary(lambda a: "float32")],
    "tensor_device": [_unary(lambda a: "cpu")],
    "tensor_numel": [_unary(lambda a: "6")],
    "tensor_item": [_unary(lambda one: repr(one.item()), "one")],
    "tensor_to_list": [
        Sample(
            {"input": "$a", "nested": "1"},
            lambda: " ".join("{" + " ".join(map(repr, row)) + "}" for row in T["a"].tolist()),
        )
    ],
    "tensor_print": [
        _unary(lambda a: "\n".join("{" + " ".join(map(repr, row)) + "}" for row in a.tolist())),
    ],
    "tensor_requires_grad": [_unary(lambda a: "0")],
    "tensor_add": [
        Sample(
            {"input1": "$a", "input2": "$b", "alpha": "-0.3"}, lambda: torch.add(T["a"], T["b"], alpha=-0.3)
        )
    ],
    "tensor_sub": [
        Sample({"input": "$a", "other": "$b", "alpha": "0.3"}, lambda: torch.sub(T["a"], T["b"], alpha=0.3))
    ],
    "tensor_mul": [
        Sample({"input": "$a", "other": "$b"}, lambda: T["a"] * T["b"]),
        Sample({"input": "$a", "other": "-1.1"}, lambda: T["a"] * -1.1),
    ],
    "tensor_div": [
        Sample({"input": "$a", "other": "$b"}, lambda: T["a"] / T["b"]),
        Sample({"input": "$a", "other": "127"}, lambda: T["a"] / 127),
    ],
    "tensor_matmul": [Sample({"input": "$a", "other": "$square"}, lambda: T["a"] @ T["square"])],
    "tensor_abs": [_unary(torch.abs)],
    "tensor_sqrt": [_unary(torch.sqrt)],
    "tensor_exp": [_unary(torch.exp)],
    "tensor_log": [_unary(torch.log)],
    "tensor_relu": [_unary(torch.relu)],
    "tensor_sum": [_reduction(torch.sum)],
    "tensor_mean": [_reduction(torch.mean)],
    "tensor_max": [_reduction(lambda a, dim: a.max(dim).values)],
    "tensor_min": [_reduction(lambda a, dim: a.min(dim).values)],
    "tensor_std": [
        Sample({"input": "$a", "dim": "-1", "unbiased": "no"}, lambda: torch.std(T["a"], -1, unbiased=False))
    ],
    "tensor_reshape": [Sample({"input": "$a", "shape": "{3 -1}"}, lambda: T["a"].reshape(3, 2))],
    "tensor_permute": [Sample({"input": "$a", "dims": "{1 0}"}, lambda: T["a"].permute(1, 0))],
    "tensor_to": [
        Sample({"input": "$a", "device": "cpu", "dtype": "bfloat16"}, lambda: T["a"].to(torch.bfloat16))
    ],
    "conv2d": [
        Sample(
            {
                "input": "$image",
                "weight": "$kernel",
                "bias": "$kernel_bias",
                "stride": "{2 1}",
                "padding": "1",
                "dilation": "{1 2}",
                "groups": "2",
            },
            lambda: F.conv2d(
                T["image"], T["kernel"], T["kernel_bias"], stride=(2, 1), padding=1, dilation=(1, 2), groups=2
            ),
        )
    ],
    "linear": [
        Sample(
            {"input": "$a", "weight": "$square", "bias": "$bias"},
            lambda: F.linear(T["a"], T["square"], T["bias"]),
        )
    ],
    "fake_quantize_per_channel": [
        Sample(
            {
                "input": "$a",
                "scales": "$scales",
                "zero_points": "$zero_points",
                "axis": "1",
                "quant_min": "-7",
                "quant_max": "8",
            },
            lambda: torch.fake_quantize_per_channel_affine(T["a"], T["scales"], T["zero_points"], 1, -7, 8),
        )
    ],
    "fake_quantize_per_tensor": [
        Sample(
            {"input": "$a", "scale": "0.1", "zero_point": "3", "quant_min": "-7", "quant_max": "8"},
            lambda: torch.fake_quantize_per_tensor_affine(T["a"], 0.1, 3, -7, 8),
        ),
        Sample(
            {
                "input": "$a",
                "scale": "$scale",
                "zero_point": "$zero_point",
                "quant_min": "-7",
                "quant_max": "8",
            },
            lambda: torch.fake_quantize_per_tensor_affine(T["a"], T["scale"], T["zero_point"], -7, 8),
        ),
    ],
    "quantize_per_channel": [
        Sample(
            {
                "input": "$a",
                "scales": "$scales",
                "zero_points": "$zero_points",
                "axis": "1",
                "dtype": "qint8",
            },
            lambda: quantized("per_channel"),
        )
    ],
    "quantize_per_tensor": [
        Sample(
            {"input": "$a", "scale": "0.1", "zero_point": "3", "dtype": "qint8"},
            lambda: quantized("per_tensor"),
        )
    ],
    "dequantize": [_of_quantized("per_tensor", torch.dequantize, "input")],
    "int_repr": [_of_quantized("per_channel", torch.int_repr, "input")],
    "q_scale": [_of_quantized("per_tensor", lambda q: repr(q.q_scale()), "quantized_tensor")],
    "q_zero_point": [_of_quantized("per_tensor", lambda q: "3", "quantized_tensor")],
    "q_per_channel_scales": [
        _of_quantized("per_channel", lambda q: q.q_per_channel_scales(), "quantized_tensor")
    ],
    "q_per_channel_zero_points": [
        _of_quantized("per_channel", lambda q: q.q_per_channel_zero_points(), "quantized_tensor")
    ],
    "q_per_channel_axis": [_of_quantized("per_channel", lambda q: "1", "quantized_tensor")],
    "set_grad_enabled": [Sample({"enabled": "1"}, lambda: "")],
    "enable_grad": [Sample({}, lambda: "")],
    "is_grad_enabled": [Sample({}, lambda: "1")],
    "manual_seed": [Sample({"seed": "7"}, lambda: "")],
}

# Calls of the commands that work on state or files, for the tests of arity, options and bad words.
CALLS: dict[str, dict[str, str]] = {
    "tensor_backward": {"input": "$a", "gradient": "$b", "retain_graph": "0"},
    "tensor_grad": {"input": "$a"},
    "load_safetensors": {"path": "missing.safetensors", "names": "*"},
    "save_safetensors": {"tensors": "{w $a}", "path": "missing/x.safetensors"},
    "safetensors_info": {"path": "missing.safetensors"},
    "progress_bar": {"total": "3", "label": "layers"},
    "progress_step": {"bar": "$progress", "count": "1"},
    "plot_lines": {
        "file": "missing/x.png",
        "x": "{1 2}",
        "series": "{a {1 2}}",
        "title": "t",
        "xlabel": "x",
        "ylabel": "y",
    },
    "show": {"tensor": "$a", "rows": "6", "digits": "4"},
    "help": {"topic": "zeros"},
    "apropos": {"word": "tensor"},
    "commands": {"pattern": "*"},
    "info": {"subject": "default", "command": "zeros", "parameter": "dtype"},
    "version": {},
    "sitrep": {},
    "free": {},
    "handles": {"pattern": "*", "details": "0"},
    "keep": {"handle": "$a"},
    "memory": {},
}

# These work on state or files; the test that checks their values.
ELSEWHERE = {
    "manual_seed": "test_command_state.test_manual_seed_repeats_the_same_numbers",
    "tensor_backward": "test_command_state.test_backward_and_grad",
    "tensor_grad": "test_command_state.test_backward_and_grad",
    "set_grad_enabled": "test_command_state.test_gradient_mode",
    "enable_grad": "test_command_state.test_gradient_mode",
    "no_grad": "test_command_state.test_gradient_mode",
    "load_safetensors": "test_command_state.test_safetensors_round_trip",
    "save_safetensors": "test_command_state.test_safetensors_round_trip",
    "safetensors_info": "test_command_state.test_safetensors_round_trip",
    "progress_bar": "test_command_state.test_progress_is_drawn_on_a_terminal_only",
    "progress_step": "test_command_state.test_progress_is_drawn_on_a_terminal_only",
    "plot_lines": "test_command_state.test_plot_lines_writes_what_matplotlib_reads",
    "show": "test_show.test_show",
    "help": "test_help.test_help",
    "apropos": "test_help.test_apropos",
    "commands": "test_help.test_commands_and_info",
    "info": "test_help.test_commands_and_info",
    "version": "test_help.test_version_and_sitrep",
    "sitrep": "test_help.test_version_and_sitrep",
    "free": "test_command_state.test_handles_free_keep_and_memory",
    "handles": "test_command_state.test_handles_free_keep_and_memory",
    "keep": "test_command_state.test_handles_free_keep_and_memory",
    "memory": "test_command_state.test_handles_free_keep_and_memory",
    "scope": "test_command_state.test_scope_and_local",
    "local": "test_command_state.test_scope_and_local",
    "remote": "test_command_state.test_remote_and_async",
    "async": "test_command_state.test_remote_and_async",
    "cancel": "test_command_state.test_remote_and_async",
    "shutdown": "test_command_state.test_shutdown_and_restart_free_all",
    "restart": "test_command_state.test_shutdown_and_restart_free_all",
}

SETUP = "set progress [torch::progress_bar 10]"

# By the noun of a parameter's type, a word that it does not take and the beginning of the error code.
BAD_WORDS = {
    "integer": ("1.5", "TORCH ARG TYPE"),
    "number": ("1x", "TORCH ARG TYPE"),
    "floating-point number": ("1x", "TORCH ARG TYPE"),
    "boolean value": ("maybe", "TORCH ARG TYPE"),
    "dtype": ("float33", "TORCH ARG TYPE"),
    "device": ("gpu9", "TORCH ARG TYPE"),
    "list of integers": ("{1 x}", "TORCH ARG TYPE"),
    "list of numbers": ("{1 x}", "TORCH ARG TYPE"),
    "dict of tensor": ("{w}", "TORCH ARG TYPE"),
    "dict of lists of numbers": ("{a {1 x}}", "TORCH ARG TYPE"),
    "tensor": ("tensor999999", "TORCH HANDLE"),
    "handle": ("tensor999999", "TORCH HANDLE"),
    "progress_bar": ("progress_bar999999", "TORCH HANDLE"),
    "number or tensor": ("tensor999999", "TORCH HANDLE"),
    "floating-point number or tensor": ("tensor999999", "TORCH HANDLE"),
    "integer or tensor": ("1.5", "TORCH ARG TYPE"),
}
