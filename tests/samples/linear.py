"""The commands of linear quantization."""

import torch

from tests import lesson
from tests.samples.sample import TENSORS, Sample

T = TENSORS
_CODES = torch.tensor([[3, -128, 7], [0, 5, 127]], dtype=torch.int8)
_COLUMNS = torch.tensor([[0.1, 0.2, 0.3]])


def _scale_and_zero_point() -> str:
    scale, zero_point = lesson.get_q_scale_and_zero_point(T["a"], 0, 255)
    return f"scale {scale!r} zero_point {zero_point}"


SAMPLES: dict[str, list[Sample]] = {
    "get_q_scale_symmetric": [
        Sample({"tensor": "$a", "dtype": "int16"}, lambda: repr(lesson.get_q_scale_symmetric(T["a"], 32767)))
    ],
    "get_q_scale_and_zero_point": [Sample({"tensor": "$a", "dtype": "uint8"}, _scale_and_zero_point)],
    "linear_q_with_scale_and_zero_point": [
        Sample(
            {"tensor": "$a", "scale": "0.1", "zero_point": "-3", "dtype": "int4"},
            lambda: lesson.linear_q(T["a"], 0.1, -3, -8, 7).to(torch.int8),
        ),
        Sample(
            {"tensor": "$a", "scale": "$linear_scale", "zero_point": "$zero_point", "dtype": "int8"},
            lambda: lesson.linear_q(T["a"], _COLUMNS, 3).to(torch.int8),
        ),
    ],
    "linear_dequantization": [
        Sample(
            {"quantized": "$linear_codes", "scale": "0.1", "zero_point": "-3"},
            lambda: lesson.linear_dequantization(_CODES, 0.1, -3),
        ),
        Sample(
            {"quantized": "$linear_codes", "scale": "$linear_scale", "zero_point": "$zero_point"},
            lambda: lesson.linear_dequantization(_CODES, _COLUMNS, 3),
        ),
    ],
    "linear_dequantization_per_group": [
        Sample(
            {"quantized": "$linear_codes", "scale": "$row_scales", "group_size": "3"},
            lambda: lesson.linear_dequantization(_CODES, torch.tensor([[0.5], [0.1]])),
        )
    ],
    "quantization_error": [
        Sample(
            {"original": "$a", "dequantized": "$b"},
            lambda: repr((T["b"] - T["a"]).square().mean().item()),
        )
    ],
}

CALLS = {
    "linear_q_symmetric": {"tensor": "$a", "dtype": "int16"},
    "linear_q_symmetric_per_channel": {"tensor": "$a", "dim": "1", "dtype": "int16"},
    "linear_q_symmetric_per_group": {"tensor": "$a", "group_size": "3", "dtype": "int16"},
}

ELSEWHERE = dict.fromkeys(CALLS, "test_linear.test_commands_that_return_a_dict")

SETUP = """
    set linear_codes [torch::tensor_create {{3 -128 7} {0 5 127}} int8]
    set linear_scale [torch::tensor_create {{0.1 0.2 0.3}}]
    set row_scales [torch::tensor_create {0.5 0.1}]
"""
