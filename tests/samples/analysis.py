"""The commands that measure what quantization costs, choose it, and draw it."""

import torch

from tests.samples.sample import Sample

_OPTIONS = {
    "bits": "{4 8}",
    "granularity": "{per_tensor per_group}",
    "qscheme": "affine",
    "observer": "{minmax mse}",
    "axis": "1",
    "group_size": "3",
    "scale_mode": "power_of_two",
}


def _histogram() -> str:
    """Of 1.5 -2.25 3.0 0.1 5.5 -0.7: the bins are from -2.25 to 1.625 and from there to 5.5."""
    return "-2.25 .. 1.625  4  ########\n1.625 ..   5.5  2  ####"


SAMPLES: dict[str, list[Sample]] = {
    "text_histogram": [Sample({"input": "$a", "bins": "2", "width": "8"}, _histogram)],
    "uniform_levels": [
        Sample(
            {"scale": "0.25", "zero_point": "1", "quant_min": "-2", "quant_max": "3"},
            lambda: torch.tensor([-0.75, -0.5, -0.25, 0, 0.25, 0.5]),
        ),
        Sample(  # exact until the end: as float32, the distance from the zero point would be 2^25 + 4
            {"scale": "1.75", "zero_point": "33554435", "quant_min": "0", "quant_max": "0"},
            lambda: torch.tensor([-33554435 * 1.75], dtype=torch.float64).to(torch.float32),
        ),
    ],
}

CALLS: dict[str, dict[str, str]] = {
    "quantization_metrics": {"original": "$a", "dequantized": "$b", "axis": "0"},
    "quantization_sweep": {"input": "$a", **_OPTIONS},
    "quantization_plan": {"tensors": "{w $a}", "sqnr": "20", **_OPTIONS},
    "dequantize_integers": {
        "quantized": "$codes",
        "scale": "$scales",
        "zero_point": "$zero_points",
        "axis": "1",
        "group_size": "3",
    },
    "quantize_integers": {
        "input": "$a",
        "bits": "4",
        "granularity": "per_group",
        "qscheme": "affine",
        "observer": "mse",
        "axis": "1",
        "group_size": "3",
        "scale_mode": "power_of_two",
    },
    "plot_quantization_errors": {
        "original": "$a",
        "quantized": "$a",
        "dequantized": "$b",
        "bits": "4",
        "file": "missing/x.png",
        "widget": ".plot",
        "title": "t",
    },
    "plot_quantization_histogram": {
        "input": "$a",
        "levels": "$b",
        "file": "missing/x.png",
        "widget": ".plot",
        "title": "t",
        "bins": "10",
    },
    "plot_sqnr": {
        "layers": "{a {{bits 4 sqnr_db 10}}}",
        "target": "10",
        "file": "missing/x.png",
        "widget": ".plot",
        "title": "t",
    },
    "plot_levels": {"levels": "{w $a}", "file": "missing/x.png", "widget": ".plot", "title": "t"},
}

ELSEWHERE = {
    "quantization_metrics": "test_quantization_metrics.test_command_gives_handles_with_an_axis",
    "quantization_sweep": "test_quantization_sweep.test_sweep_command",
    "quantization_plan": "test_quantization_sweep.test_plan_command",
    "quantize_integers": "test_integers.test_commands_by_options_and_like_a_plan",
    "dequantize_integers": "test_integers.test_commands_by_options_and_like_a_plan",
    "plot_quantization_errors": "test_pictures.test_commands_write_files",
    "plot_quantization_histogram": "test_pictures.test_commands_write_files",
    "plot_sqnr": "test_pictures.test_commands_write_files",
    "plot_levels": "test_pictures.test_commands_write_files",
}

SETUP = "set codes [torch::tensor_create {{3 -2 0} {7 1 -8}} int8]"

BAD_WORDS = {
    "window path": ("plot", "TORCH ARG TYPE"),
    "list of per_tensor, per_channel, per_group": ("{per_tensor per_row}", "TCL LOOKUP INDEX"),
    "list of symmetric, affine": ("{symmetric odd}", "TCL LOOKUP INDEX"),
    "list of minmax, mse, percentile": ("histogram", "TCL LOOKUP INDEX"),
    "dict of list of dict with bits, sqnr_db": ("{a {{bits 4}}}", "TORCH ARG TYPE"),
}
