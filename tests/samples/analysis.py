"""The commands that measure what quantization costs, choose it, and draw it."""

from tests.samples.sample import Sample

SAMPLES: dict[str, list[Sample]] = {}

CALLS: dict[str, dict[str, str]] = {
    "quantization_metrics": {"original": "$a", "dequantized": "$b", "axis": "0"},
}

ELSEWHERE = {
    "quantization_metrics": "test_quantization_metrics.test_command_gives_handles_with_an_axis",
}
