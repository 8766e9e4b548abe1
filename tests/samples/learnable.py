"""The commands of fake quantization that learns or observes."""

import torch

from tests.samples.sample import TENSORS, Sample

T = TENSORS
_ZERO_POINTS = torch.tensor([0.0, 1.4, -3.0])
_BOUNDS = {"quant_min": "-7", "quant_max": "8", "grad_factor": "0.5"}


def _fused() -> torch.Tensor:
    on, low, high = torch.tensor([1]), torch.tensor([-2.25]), torch.tensor([5.5])
    return torch.fused_moving_avg_obs_fake_quant(
        T["a"], on, on, low, high, torch.ones(1), torch.zeros(1, dtype=torch.int32), 0.25, -7, 8, 0,
        False, True,
    )  # fmt: skip


SAMPLES: dict[str, list[Sample]] = {
    "fake_quantize_learnable_per_tensor": [
        Sample(
            {"input": "$a", "scale": "$scale", "zero_point": "$learned_point", **_BOUNDS},
            lambda: torch._fake_quantize_learnable_per_tensor_affine(
                T["a"], T["scale"], torch.tensor([1.4]), -7, 8, 0.5
            ),
        )
    ],
    "fake_quantize_learnable_per_channel": [
        Sample(
            {"input": "$a", "scale": "$scales", "zero_point": "$learned_points", "axis": "-1", **_BOUNDS},
            lambda: torch._fake_quantize_learnable_per_channel_affine(
                T["a"], T["scales"], _ZERO_POINTS, 1, -7, 8, 0.5
            ),
        )
    ],
    "fused_moving_avg_obs_fake_quant": [
        Sample(
            {
                "input": "$a",
                "observer_on": "1",
                "fake_quant_on": "1",
                "running_min": "$running_min",
                "running_max": "$running_max",
                "scale": "$running_scale",
                "zero_point": "$running_point",
                "averaging_const": "0.25",
                "quant_min": "-7",
                "quant_max": "8",
                "ch_axis": "0",
                "per_row_fake_quant": "0",
                "symmetric_quant": "1",
            },
            _fused,
        )
    ],
}

SETUP = """
    set learned_point [torch::tensor_create 1.4 -shape 1]
    set learned_points [torch::tensor_create {0 1.4 -3}]
    # the extremes of $a: what they become when they have observed it
    foreach name {min max scale} value {-2.25 5.5 1} { set running_$name [torch::full 1 $value] }
    set running_point [torch::zeros 1 int32]
"""
