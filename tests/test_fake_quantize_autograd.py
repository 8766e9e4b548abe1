"""Gradients, transforms, modes and tracers see `pybridge.quant` as they see PyTorch's operators."""

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd import forward_ad
from torch.fx.experimental.proxy_tensor import make_fx
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import checkpoint

from pybridge import quant
from tests.bits import outcome, same
from tests.counting import CountingBackend

Tensor = torch.Tensor
Quantize = Callable[[Tensor], Tensor]
Way = Callable[[Quantize, Tensor], Any]

SCALE = torch.tensor([0.1, 0.03, 0.5, 0.0])
ZERO_POINT = torch.tensor([0, -3, 7, 2], dtype=torch.int32)
INPUT = torch.linspace(-2, 2, 4 * 96).reshape(4, 96)
GRADIENT = torch.cat(
    [torch.tensor([torch.inf, -torch.inf, torch.nan, -0.0, 0.0, -1.0]), torch.linspace(-1, 1, 4 * 96 - 6)]
).reshape(4, 96)

OPERATORS: dict[str, tuple[Quantize, Quantize]] = {
    "per channel": (
        lambda x: quant.fake_quantize_per_channel(x, SCALE, ZERO_POINT, 0, -8, 7),
        lambda x: torch.fake_quantize_per_channel_affine(x, SCALE, ZERO_POINT, 0, -8, 7),
    ),
    "per tensor": (
        lambda x: quant.fake_quantize_per_tensor(x, 0.1, 3, -8, 7),
        lambda x: torch.fake_quantize_per_tensor_affine(x, 0.1, 3, -8, 7),
    ),
    "per tensor, by tensors": (
        lambda x: quant.fake_quantize_per_tensor(x, SCALE[:1], ZERO_POINT[1:2], -8, 7),
        lambda x: torch.fake_quantize_per_tensor_affine(x, SCALE[:1], ZERO_POINT[1:2], -8, 7),
    ),
}
KERNEL_WAYS: dict[str, Way] = {}  # here kernels must run
OTHER_WAYS: dict[str, Way] = {}  # here PyTorch has to see its own operator


def by_kernels(way: Way) -> Way:
    KERNEL_WAYS[way.__name__] = way
    return way


def by_pytorch(way: Way) -> Way:
    OTHER_WAYS[way.__name__] = way
    return way


@by_kernels
def backward(quantize: Quantize, x: Tensor) -> Any:
    quantize(x.requires_grad_()).backward(GRADIENT)
    return x.grad


@by_kernels
def backward_of_a_sum(quantize: Quantize, x: Tensor) -> Any:
    quantize(x.requires_grad_()).sum().backward()
    return x.grad


@by_kernels
def backward_into_a_gradient(quantize: Quantize, x: Tensor) -> Any:
    x.requires_grad_().grad = torch.ones_like(x)
    quantize(x).backward(GRADIENT)
    return x.grad


@by_kernels
def backward_from_a_permuted_gradient(quantize: Quantize, x: Tensor) -> Any:
    result = quantize(x.requires_grad_())
    return torch.autograd.grad(result, x, GRADIENT.reshape(96, 4).t())


@by_kernels
def no_grad(quantize: Quantize, x: Tensor) -> Any:
    with torch.no_grad():
        result = quantize(x.requires_grad_())
    assert not result.requires_grad
    return result


@by_kernels
def inference_mode(quantize: Quantize, x: Tensor) -> Any:
    with torch.inference_mode():
        result = quantize(x.requires_grad_())
        assert result.is_inference()
        return result.clone()


@by_kernels
def a_tensor_of_inference_mode(quantize: Quantize, x: Tensor) -> Any:
    with torch.inference_mode():
        made = x * 1
    return quantize(made)


@by_kernels
def twice_retained(quantize: Quantize, x: Tensor) -> Any:
    result = quantize(x.requires_grad_())
    result.backward(GRADIENT, retain_graph=True)
    result.backward(GRADIENT)
    return x.grad


@by_kernels
def twice_without_retaining(quantize: Quantize, x: Tensor) -> Any:
    result = quantize(x.requires_grad_())
    result.backward(GRADIENT)
    result.backward(GRADIENT)


@by_kernels
def second_derivative(quantize: Quantize, x: Tensor) -> Any:
    x.requires_grad_()
    inner = quantize(x * x)
    (first,) = torch.autograd.grad((inner * inner).sum(), x, create_graph=True)
    return first, torch.autograd.grad((first * GRADIENT).sum(), x)[0]


@by_kernels
def derivative_by_the_gradient(quantize: Quantize, x: Tensor) -> Any:
    weight = GRADIENT.clone().requires_grad_()
    (first,) = torch.autograd.grad(quantize(x.requires_grad_()), x, weight, create_graph=True)
    return first, torch.autograd.grad(first, weight, GRADIENT)[0]


@by_kernels
def gradients_in_batches(quantize: Quantize, x: Tensor) -> Any:
    result = quantize(x.requires_grad_())
    batch = torch.stack([GRADIENT, -GRADIENT, torch.ones_like(GRADIENT)])
    return torch.autograd.grad(result, x, batch, is_grads_batched=True)


@by_kernels
def hooks(quantize: Quantize, x: Tensor) -> Any:
    seen = []

    def doubled(gradient: Tensor) -> Tensor:
        seen.append(gradient.clone())
        return gradient * 2

    x.requires_grad_().register_hook(doubled)
    x.register_post_accumulate_grad_hook(lambda leaf: seen.append(leaf.grad.clone()))
    result = quantize(x)
    result.retain_grad()
    result.register_hook(lambda gradient: gradient * 3)
    result.backward(GRADIENT)
    return x.grad, result.grad, *seen


@by_kernels
def hooks_on_what_is_saved(quantize: Quantize, x: Tensor) -> Any:
    packed = []

    def pack(tensor: Tensor) -> int:
        packed.append(tensor)
        return len(packed) - 1

    with torch.autograd.graph.saved_tensors_hooks(pack, packed.__getitem__):
        result = quantize(x.requires_grad_())
    result.backward(GRADIENT)
    return x.grad, *packed


@by_kernels
def in_place_before_and_after(quantize: Quantize, x: Tensor) -> Any:
    leaf = x.requires_grad_() * 1
    result = quantize(leaf)
    leaf.mul_(3)
    result.mul_(2)
    result.backward(GRADIENT)
    return x.grad, result


@by_kernels
def a_view_of_a_leaf(quantize: Quantize, x: Tensor) -> Any:
    quantize(x.requires_grad_()[:, ::2].t()[None, ..., :4].squeeze(0).t()).sum().backward()
    return x.grad


@by_kernels
def recomputed(quantize: Quantize, x: Tensor) -> Any:
    result = checkpoint(quantize, x.requires_grad_(), use_reentrant=False)
    result.backward(GRADIENT)
    return result, x.grad


@by_kernels
def anomaly_mode(quantize: Quantize, x: Tensor) -> Any:
    with torch.autograd.detect_anomaly(check_nan=False):
        quantize(x.requires_grad_()).backward(GRADIENT)
    return x.grad


@by_kernels
def after_other_modes(quantize: Quantize, x: Tensor) -> Any:
    torch.func.vmap(lambda each: each * 2)(x)
    with forward_ad.dual_level(), FakeTensorMode():
        pass
    return quantize(x)


@by_pytorch
def vmap(quantize: Quantize, x: Tensor) -> Any:
    return torch.func.vmap(quantize)(torch.stack([x, x * 2]))


@by_pytorch
def func_grad(quantize: Quantize, x: Tensor) -> Any:
    return torch.func.grad(lambda each: (quantize(each) * GRADIENT).sum())(x)


@by_pytorch
def func_vjp(quantize: Quantize, x: Tensor) -> Any:
    result, back, *_ = torch.func.vjp(quantize, x)
    return result, *back(GRADIENT)


@by_pytorch
def func_jvp(quantize: Quantize, x: Tensor) -> Any:
    return torch.func.jvp(quantize, (x,), (GRADIENT,))


@by_pytorch
def func_jacobian(quantize: Quantize, x: Tensor) -> Any:
    return torch.func.jacrev(lambda each: quantize(each)[:, :3])(x)


@by_pytorch
def dual_numbers(quantize: Quantize, x: Tensor) -> Any:
    with forward_ad.dual_level():
        return tuple(forward_ad.unpack_dual(quantize(forward_ad.make_dual(x, GRADIENT))))


@by_pytorch
def fake_tensors(quantize: Quantize, x: Tensor) -> Any:
    with FakeTensorMode() as mode:
        result = quantize(mode.from_tensor(x))
    return str(result)


@by_pytorch
def dispatch_mode(quantize: Quantize, x: Tensor) -> Any:
    called = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            called.append(str(function))
            return function(*args, **(kwargs or {}))

    with Watch():
        result = quantize(x.requires_grad_())
        result.backward(GRADIENT)
    return result, x.grad, called


@by_pytorch
def function_mode(quantize: Quantize, x: Tensor) -> Any:
    called = []

    class Watch(TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            called.append(function.__name__)
            return function(*args, **(kwargs or {}))

    with Watch():
        return quantize(x), [name for name in called if name.startswith("fake")]


@by_pytorch
def default_device(quantize: Quantize, x: Tensor) -> Any:
    with torch.device("meta"):
        return quantize(x)


class Tagged(torch.Tensor):
    """A subclass without ideas of its own."""


@by_pytorch
def subclass(quantize: Quantize, x: Tensor) -> Any:
    result = quantize(x.as_subclass(Tagged))
    assert type(result) is Tagged
    return result.as_subclass(Tensor)


@by_pytorch
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def traced(quantize: Quantize, x: Tensor) -> Any:
    function = torch.jit.trace(quantize, x, check_trace=False)  # a check calls it once more, untraced
    kinds = [node.kind() for node in function.graph.nodes() if "fake" in node.kind()]
    return function(x * 2), kinds


@by_pytorch
def traced_by_fx(quantize: Quantize, x: Tensor) -> Any:
    module = torch.fx.symbolic_trace(quantize)
    return module(x * 2), [node.name for node in module.graph.nodes if "fake" in node.name]


@by_pytorch
def traced_by_make_fx(quantize: Quantize, x: Tensor) -> Any:
    module = make_fx(quantize)(x)
    return module(x * 2), [str(node.target) for node in module.graph.nodes if "fake" in str(node.target)]


@by_pytorch
def compiled(quantize: Quantize, x: Tensor) -> Any:
    torch._dynamo.reset()
    function = torch.compile(quantize, backend="eager", fullgraph=True)
    result = function(x.requires_grad_())
    result.backward(GRADIENT)
    return result, x.grad


def agree(found: Any, expected: Any) -> bool:
    if isinstance(expected, Tensor):
        return found.requires_grad == expected.requires_grad and same(found, expected)
    if isinstance(expected, tuple):
        return len(found) == len(expected) and all(map(agree, found, expected))
    return bool(found == expected)


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("way", KERNEL_WAYS)
@pytest.mark.filterwarnings("ignore:Anomaly Detection:UserWarning")
def test_gradients(way: str, operator: str, back_end: CountingBackend) -> None:
    ours, theirs = OPERATORS[operator]
    expected = outcome(lambda: KERNEL_WAYS[way](theirs, INPUT.clone()))
    assert agree(outcome(lambda: KERNEL_WAYS[way](ours, INPUT.clone())), expected)
    assert (back_end.runs > 0) == (back_end.choice == "numba")


def under_autocast(quantize: Quantize, x: Tensor) -> Any:
    with torch.autocast("cpu", torch.bfloat16):
        product = x.requires_grad_() @ x.t()
        assert product.dtype is torch.bfloat16
        result = quantize(product)
        result.sum().backward()
    return result, x.grad


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.usefixtures("back_end")
def test_autocast(operator: str) -> None:
    """It has the operator with numbers for scale and zero point run in float32, and no other."""
    found, expected = (under_autocast(quantize, INPUT.clone()) for quantize in OPERATORS[operator])
    assert agree(found, expected)
    assert found[0].dtype is (torch.float32 if operator == "per tensor" else torch.bfloat16)


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("way", OTHER_WAYS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:.*jit.*:UserWarning")
def test_transforms_modes_and_tracers(way: str, operator: str, back_end: CountingBackend) -> None:
    ours, theirs = OPERATORS[operator]
    expected = outcome(lambda: OTHER_WAYS[way](theirs, INPUT.clone()))
    assert agree(outcome(lambda: OTHER_WAYS[way](ours, INPUT.clone())), expected)
    assert back_end.runs == 0


class Layer(torch.nn.Module):
    """A linear layer trained for quantization, by `pybridge.quant` or by PyTorch's operators."""

    scale: Tensor
    zero_point: Tensor

    def __init__(self, ours: bool) -> None:
        super().__init__()
        self.ours = ours
        self.linear = torch.nn.Linear(24, 16)
        self.register_buffer("scale", torch.linspace(0.001, 0.05, 16))
        self.register_buffer("zero_point", torch.arange(-8, 8, dtype=torch.int32))

    def forward(self, x: Tensor) -> Tensor:
        if self.ours:
            x = quant.fake_quantize_per_tensor(x, 0.05, 1, -128, 127)
            weight = quant.fake_quantize_per_channel(
                self.linear.weight, self.scale, self.zero_point, 0, -8, 7
            )
        else:
            x = torch.fake_quantize_per_tensor_affine(x, 0.05, 1, -128, 127)
            weight = torch.fake_quantize_per_channel_affine(
                self.linear.weight, self.scale, self.zero_point, 0, -8, 7
            )
        return torch.nn.functional.linear(x, weight, self.linear.bias)


def network(ours: bool) -> torch.nn.Module:
    torch.manual_seed(3)
    first, second = Layer(ours), Layer(ours)
    return torch.nn.Sequential(first, torch.nn.Tanh(), torch.nn.Linear(16, 24), second)


def trained(module: torch.nn.Module, steps: int = 50) -> list[Tensor]:
    """The weights after some steps with momentum."""
    torch.manual_seed(4)
    x, y = torch.randn(32, 24), torch.randn(32, 16)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.05, momentum=0.9)
    for _ in range(steps):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(module(x), y).backward()
        optimizer.step()
    return list(module.parameters())


def test_training_ends_with_the_same_weights(back_end: CountingBackend) -> None:
    start = [each.clone() for each in network(True).parameters()]
    found, expected = trained(network(True)), trained(network(False))
    assert all(map(same, found, expected))
    assert not any(map(torch.equal, found, start))
    assert (back_end.runs >= 50 * 7) == (back_end.choice == "numba")


def through_torch_save(module: torch.nn.Module) -> Any:
    buffer = io.BytesIO()
    torch.save(module, buffer)
    return torch.load(io.BytesIO(buffer.getvalue()), weights_only=False)


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module)), through_torch_save]
)
@pytest.mark.usefixtures("back_end")
def test_copies_of_a_module(copied: Callable[[Any], Any]) -> None:
    """Also after it has run."""
    module = network(True)
    trained(module, 3)
    other = copied(module)
    assert all(map(same, trained(other, 5), trained(module, 5)))


# -- what hooks put in the mask's place --------------------------------------------------------------------

PER_TENSOR = (quant.fake_quantize_per_tensor, torch.fake_quantize_per_tensor_affine)
OTHER_MASKS: dict[str, Callable[[Tensor], Tensor]] = {
    "shorter": lambda mask: mask[:4],
    "empty": lambda mask: mask[:0],
    "meta": lambda mask: mask.to("meta"),
    "float": lambda mask: mask.to(torch.float32),
    "bytes": lambda mask: mask.to(torch.uint8),
    "other strides": lambda mask: mask.t().contiguous().t(),
    "another": lambda mask: ~mask,
}


@pytest.mark.parametrize("name", OTHER_MASKS)
@pytest.mark.usefixtures("back_end")
def test_a_mask_that_a_hook_has_replaced(name: str) -> None:
    def gradient(function: Callable[..., Tensor]) -> Any:
        x = torch.linspace(-5, 5, 64 * 100).reshape(64, 100).requires_grad_()
        with torch.autograd.graph.saved_tensors_hooks(lambda each: each, OTHER_MASKS[name]):
            y = function(x, 0.03, 1, -8, 99)
            return torch.autograd.grad(y.sum(), x)[0]

    ours, theirs = outcome(lambda: gradient(PER_TENSOR[0])), outcome(lambda: gradient(PER_TENSOR[1]))
    if isinstance(theirs, Tensor):
        assert same(ours, theirs)
    else:
        assert ours[0] == theirs[0]


@pytest.mark.usefixtures("back_end")
def test_a_gradient_that_is_not_there_stays_so() -> None:
    class Ending(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return x * 1

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> None:
            return None

    for function in PER_TENSOR:
        x = torch.linspace(-5, 5, 5000).requires_grad_()
        Ending.apply(function(x, 0.03, 1, -8, 99)).sum().backward()
        assert x.grad is None
