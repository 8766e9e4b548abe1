"""What PyTorch's operators returned for each test vector, errors included, `pybridge.quant` returns too."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from pybridge import quant
from pybridge.quant import fake_quantize
from tests.bits import INTEGER, from_bits, outcome, same

VECTORS = json.loads((Path(__file__).parent / "data" / "vectors.json").read_text())["vectors"]
OURS: dict[str, Callable[..., Any]] = {
    "fake_quantize_per_channel_affine": quant.fake_quantize_per_channel,
    "fake_quantize_per_tensor_affine": quant.fake_quantize_per_tensor,
}
FUSED = (
    torch.backends.cpu.get_cpu_capability() != "DEFAULT"
)  # multiply-adds, which float32 zero points go through


def of(operator: str) -> list[Any]:
    return [pytest.param(each, id=str(each["id"])) for each in VECTORS if each["op"] == operator]


FORWARD = [each for operator in OURS for each in of(operator)]
BACKWARD = of("fake_quantize_cachemask_backward")


def argument(given: Any) -> Any:
    """A tensor from its bits, a float from its hexadecimal digits, an integer as it is."""
    if isinstance(given, str):
        return float.fromhex(given)
    if not isinstance(given, dict):
        return given
    dtype = getattr(torch, given["dtype"])
    if dtype in INTEGER:
        return from_bits(dtype, [int(bits, 16) for bits in given["bits"]]).reshape(given["shape"])
    return torch.tensor(given["bits"], dtype=dtype).reshape(given["shape"])


def arguments(vector: Any) -> dict[str, Any]:
    return {name: argument(given) for name, given in vector["args"].items()}


def expected(vector: Any, field: str) -> Any:
    default = {} if FUSED else vector.get("expect_default", {})
    return argument(default.get(field, vector["expect"][field]))


def error(vector: Any) -> tuple[str, str]:
    return vector["error"]["cls"], vector["error"]["message"].splitlines()[0]


def test_none_is_left_out() -> None:
    assert len(FORWARD) == 187
    assert len(BACKWARD) == 3


@pytest.mark.parametrize("vector", FORWARD)
@pytest.mark.usefixtures("back_end")
def test_forward(vector: Any) -> None:
    given = arguments(vector)
    given.pop("grad_output", None)
    result = outcome(lambda: OURS[vector["op"]](**given))
    if "error" in vector:
        assert result == error(vector)
    else:
        assert same(result, expected(vector, "output"))


@pytest.mark.parametrize("vector", [each for each in FORWARD if "grad_output" in each.values[0]["args"]])
@pytest.mark.usefixtures("back_end")
def test_gradient(vector: Any) -> None:
    given = arguments(vector)
    gradient = given.pop("grad_output")
    given["input"].requires_grad_()
    result = outcome(lambda: OURS[vector["op"]](**given))
    if "error" in vector:
        assert result == error(vector)
        return
    assert same(result, expected(vector, "output"))
    (found,) = torch.autograd.grad(result, given["input"], gradient, retain_graph=True)
    assert same(found, expected(vector, "grad"))
    (mask,) = torch.autograd.grad(result, given["input"], torch.ones_like(result))
    assert same(mask.bool(), expected(vector, "mask"))


@pytest.mark.parametrize("vector", BACKWARD)
@pytest.mark.usefixtures("back_end")
def test_backward_alone(vector: Any) -> None:
    """autograd never asks for the refused one: it compares shapes before."""
    gradient, mask = arguments(vector).values()
    if "error" in vector:
        operator = torch.ops.aten.fake_quantize_per_channel_affine_cachemask_backward
        assert outcome(lambda: operator(gradient, mask)) == error(vector)
    else:
        assert same(fake_quantize._masked(gradient, mask), expected(vector, "grad"))
