"""The commands on additive powers of two."""

import torch

from tests import apot_rule
from tests.samples.sample import TENSORS, Sample

_SET = {"bits": "4", "k": "2", "signed": "1", "alpha": "2.5"}
_RULE = (2.5, 4, 2, True)


def _codes() -> torch.Tensor:
    return apot_rule.codes(TENSORS["a"], *_RULE)


SAMPLES: dict[str, list[Sample]] = {
    "quantize_apot": [Sample({"input": "$a", **_SET}, _codes)],
    "dequantize_apot": [
        Sample(
            {"codes": "$apot_codes", **_SET},
            lambda: apot_rule.dequantized(torch.tensor([0, 15, 7, 12]), *_RULE),
        )
    ],
    "apot_fake_quantize": [
        Sample({"input": "$a", **_SET}, lambda: apot_rule.dequantized(_codes(), *_RULE).float())
    ],
}

CALLS = {"apot_levels": _SET}

ELSEWHERE = {"apot_levels": "test_apot.test_levels_of_the_command"}

SETUP = "set apot_codes [torch::tensor_create {0 15 7 12} int32]"
