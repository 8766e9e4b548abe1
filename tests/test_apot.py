"""Additive powers of two against the vectors, the paper and the rule applied to one distance at a time."""

import gc
import re
from math import inf, nan
from typing import Any

import pytest
import torch

from pybridge import Interpreter, TclError, quant
from pybridge.quant.apot import _Tables, _tables, _tables_of
from tests import apot_rule
from tests.bits import same
from tests.test_fake_quantize_vectors import argument, expected, of

QPARAMS, QUANTIZE = of("apot_qparams"), of("apot_quantize")
Set = tuple[int, int, bool]
SETS: list[Set] = [
    (bits, k, signed)
    for bits, k in [(2, 1), (2, 2), (3, 3), (4, 1), (4, 2), (4, 4), (6, 2), (6, 3), (8, 1), (8, 2), (8, 4)]
    for signed in (False, True)
    if (bits, k, signed) != (8, 1, True)  # 6561 codes, most of them for the levels of others
]
FLOATS = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.float8_e5m2]


def of_vector(vector: Any) -> tuple[int, int, bool, float]:
    given = vector["args"]
    return given["b"], given["k"], given["signed"], argument(given["alpha"])


def neighbours(x: torch.Tensor, ulps: int) -> torch.Tensor:
    """The float32 numbers next to each element, up to so many on either side."""
    bits = x.view(torch.int32).to(torch.int64)
    places = torch.where(bits < 0, -(bits & 0x7FFFFFFF), bits)[:, None] + torch.arange(-ulps, ulps + 1)
    bits = torch.where(places < 0, -places - 2**31, places).to(torch.int32)
    return bits.view(torch.float32).flatten()


# -- levels ----------------------------------------------------------------------------------------------


def test_none_is_left_out() -> None:
    assert (len(QPARAMS), len(QUANTIZE)) == (20, 25)


@pytest.mark.parametrize("vector", QPARAMS)
def test_levels_of_the_vectors(vector: Any) -> None:
    bits, k, signed, alpha = of_vector(vector)
    gamma, levels, level_indices = quant.apot_qparams(alpha, bits, k, signed)
    assert gamma == expected(vector, "gamma").item()
    assert same(levels, expected(vector, "levels"))
    assert same(level_indices, expected(vector, "level_indices"))


@pytest.mark.parametrize("alpha", [0.1, 1e-40, 3.4028234663852886e38])
@pytest.mark.parametrize("level_set", SETS)
def test_levels_are_the_papers_sums(level_set: Set, alpha: float) -> None:
    gamma, levels, level_indices = quant.apot_qparams(alpha, *level_set)
    rule = apot_rule.levels(alpha, *level_set)
    assert gamma == rule[0].item()
    assert torch.equal(levels, rule[1])
    assert torch.equal(level_indices, rule[2])


def test_worked_levels() -> None:
    gamma, levels, level_indices = quant.apot_qparams(1, 4, 2)
    assert gamma == torch.tensor(2 / 3).item()
    sums = [0, 1, 2, 3, 4, 6, 8, 9, 12, 16, 18, 24, 32, 33, 36, 48]  # in units of 1/48
    assert levels.tolist() == pytest.approx([each / 48 for each in sums], rel=1e-7)
    assert level_indices.tolist() == [0, 3, 12, 15, 2, 14, 8, 11, 10, 1, 13, 9, 4, 7, 6, 5]


@pytest.mark.parametrize(
    ("level_set", "codes", "distinct"),
    [
        ((8, 4, False), 256, 247),
        ((8, 4, True), 961, 867),
        ((6, 2, True), 343, 231),
        ((4, 2, True), 49, 39),
    ],
)
def test_codes_and_distinct_levels(level_set: Set, codes: int, distinct: int) -> None:
    _, levels, level_indices = quant.apot_qparams(1, *level_set)
    assert (levels.numel(), levels.unique().numel()) == (codes, distinct)
    assert torch.equal(level_indices.sort().values, torch.arange(codes))


@pytest.mark.parametrize("bits", [1, 2, 5, 8, 12])
def test_one_bit_a_term_is_uniform(bits: int) -> None:
    _, levels, level_indices = quant.apot_qparams(3, bits, 1)
    steps = torch.arange(2**bits)
    torch.testing.assert_close(levels, (3 * steps / (2**bits - 1)).float(), rtol=3e-7, atol=0)
    # The first term, which is the largest, runs slowest.
    assert torch.equal(level_indices, steps)


def test_alpha_0_makes_all_levels_0() -> None:
    _tables.cache_clear()  # which takes 0 and -0 for the same
    for signed in (False, True):
        for alpha in (-0.0, 0.0):
            gamma, levels, level_indices = quant.apot_qparams(alpha, 4, 2, signed)
            assert str(gamma) == "0.0"
            assert same(levels, torch.zeros(49 if signed else 16))
            assert torch.equal(level_indices, torch.arange(levels.numel()))
        x = torch.tensor([-1, 0, 1, nan, inf])
        assert quant.quantize_apot(x, 4, 2, signed, 0).tolist() == [0] * 5
        assert same(quant.apot_fake_quantize(x, 4, 2, signed, 0), torch.zeros(5))


def test_results_are_the_callers_own() -> None:
    for each in quant.apot_qparams(1, 4, 2)[1:]:
        each.zero_()
    codes = quant.quantize_apot(torch.ones(1), 4, 2)
    codes.zero_()
    assert quant.apot_qparams(1, 4, 2).levels[-1] == 1
    assert quant.quantize_apot(torch.ones(1), 4, 2).item() == 5


def test_levels_of_the_command(tcl: Interpreter) -> None:
    tcl.eval("set found [torch::apot_levels 4 2 1 0.1]")
    gamma, levels, level_indices = apot_rule.levels(0.1, 4, 2, True)
    table = tcl.dispatcher.table
    assert tcl.eval("dict keys $found") == "alpha gamma levels level_indices"
    assert tcl.eval("dict get $found alpha") == "0.1"
    assert float(tcl.eval("dict get $found gamma")) == gamma.item()
    assert same(table.objects[tcl.eval("dict get $found levels")], levels)
    assert same(table.objects[tcl.eval("dict get $found level_indices")], level_indices)
    for words in ("-bits 4 -k 2 -signed 1 -alpha 0.1", "4 2 -alpha 0.1 -signed yes"):
        again = tcl.eval(f"torch::apotLevels {words}").split()
        assert again[:4] == ["alpha", "0.1", "gamma", tcl.eval("dict get $found gamma")]
        assert same(table.objects[again[5]], levels)
    assert tcl.eval("lrange [torch::apot_levels 4 2] 0 3") == "alpha 1.0 gamma 0.6666666865348816"
    assert tcl.eval("torch::tensor_numel [dict get [torch::apot_levels 4 2] levels]") == "16"


# -- codes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", QUANTIZE)
def test_quantization_of_the_vectors(vector: Any) -> None:
    x, level_set = argument(vector["args"]["input"]), of_vector(vector)
    codes = quant.quantize_apot(x, *level_set)
    assert same(codes, expected(vector, "codes_clip"))
    assert same(quant.dequantize_apot(codes, *level_set), expected(vector, "dequantize"))
    x.requires_grad_()
    result = quant.apot_fake_quantize(x, *level_set)
    assert same(result, expected(vector, "fake_quantize"))
    assert same(quant.apot_fake_quantize(x.detach(), *level_set), result)
    (gradient,) = torch.autograd.grad(result, x, torch.ones_like(result))
    assert same(gradient, expected(vector, "grad"))


@pytest.mark.parametrize(
    ("level_set", "alpha"),
    [(each, 1.0) for each in SETS] + [(each, alpha) for each in SETS[:10] for alpha in (0.1, 1e-40, 3.4e38)],
)
def test_codes_change_where_the_distances_do(level_set: Set, alpha: float) -> None:
    """Every float32 number near a threshold, near the midpoint of two levels and near a level."""
    _, levels, _ = apot_rule.levels(alpha, *level_set)
    distinct = levels.unique()
    middles = ((distinct[1:].double() + distinct[:-1].double()) / 2).float()
    thresholds = _tables_of(alpha, *level_set).boundaries[:-1]
    places = torch.cat([neighbours(thresholds, 6), neighbours(middles, 3), neighbours(distinct, 3)])
    for x in places.split(8192):
        assert torch.equal(quant.quantize_apot(x, *level_set, alpha), apot_rule.codes(x, alpha, *level_set))


@pytest.mark.parametrize("level_set", SETS)
def test_codes_of_random_numbers(level_set: Set) -> None:
    torch.manual_seed(0)
    patterns = torch.randint(-(2**31), 2**31, (3000,)).to(torch.int32).view(torch.float32)
    x = torch.cat([patterns, torch.rand(3000) * 2.4 - 1.2, torch.randn(3000) * 1e-3])
    assert torch.equal(quant.quantize_apot(x, *level_set, 0.9), apot_rule.codes(x, 0.9, *level_set))


def test_a_tie_takes_the_lower_level() -> None:
    x = torch.tensor([0.5, 1.5, -0.5, -1.5])  # levels -2, -1, 0, 1, 2: those of one term of 2 bits
    assert apot_rule.levels(2, 2, 2, True)[1].tolist() == [-2, -1, -0.5, 0, 0.5, 1, 2]
    middle = torch.tensor([0.25, 0.75, 1.5, -0.25, -0.75, -1.5])
    assert quant.apot_fake_quantize(middle, 2, 2, True, 2).tolist() == [0, 0.5, 1, -0.5, -1, -2]
    assert quant.apot_fake_quantize(x, 2, 2, True, 2).tolist() == [0.5, 1, -0.5, -2]


def test_beyond_alpha_is_the_level_at_the_end() -> None:
    x = torch.tensor([1.0001, 7, 1e30, inf, -1.0001, -7, -1e30, -inf, -0.3])
    signed = quant.apot_fake_quantize(x, 4, 2, True)
    assert signed[:8].tolist() == [1] * 4 + [-1] * 4
    assert quant.apot_fake_quantize(x, 4, 2).tolist() == [1] * 4 + [0] * 5


@pytest.mark.parametrize("dtype", FLOATS)
def test_dtypes_are_widened_or_rounded_to_float32(dtype: torch.dtype) -> None:
    torch.manual_seed(1)
    x = (torch.randn(500, dtype=torch.float64) * 0.5).to(dtype)
    codes = quant.quantize_apot(x, 6, 2, True)
    assert same(codes, apot_rule.codes(x, 1, 6, 2, True))
    levels = apot_rule.dequantized(codes, 1, 6, 2, True)
    assert same(quant.dequantize_apot(codes, 6, 2, True), levels)
    assert same(quant.apot_fake_quantize(x, 6, 2, True), levels.to(dtype))


def test_float64_is_rounded_before_the_distance() -> None:
    """As by PyTorch's prototype: a number above a tie that float32 cannot tell from it goes down."""
    tie = torch.tensor([0.1875, 0.1875 + 1e-12, 0.1875 + 1e-6], dtype=torch.float64)  # between 1/8 and 1/4
    assert quant.apot_fake_quantize(tie, 3, 3).tolist() == [0.125, 0.125, 0.25]


@pytest.mark.parametrize(
    "x",
    [
        torch.rand(0),
        torch.rand(3, 0, 2),
        torch.tensor(0.7),
        torch.rand(4, 6).t(),
        torch.rand(4, 6)[:, ::2],
        torch.rand(3, 1).expand(3, 5),
        torch.rand(2, 3, 4, 5).to(memory_format=torch.channels_last),
        torch.rand(7).requires_grad_(),
    ],
    ids=["empty", "3x0x2", "0-d", "transposed", "sliced", "expanded", "channels_last", "requires_grad"],
)
def test_shapes_and_strides(x: torch.Tensor) -> None:
    codes = quant.quantize_apot(x, 4, 2)
    assert same(codes, apot_rule.codes(x.detach().contiguous(), 1, 4, 2, False))
    assert same(quant.dequantize_apot(codes, 4, 2), apot_rule.dequantized(codes, 1, 4, 2, False))
    values = quant.apot_fake_quantize(x, 4, 2)
    assert same(values, apot_rule.dequantized(codes, 1, 4, 2, False).float())
    assert values.requires_grad == x.requires_grad


@pytest.mark.parametrize(
    "dtype", [torch.int8, torch.uint8, torch.int16, torch.int64, torch.uint16, torch.uint64]
)
def test_codes_of_any_integer_dtype(dtype: torch.dtype) -> None:
    codes = torch.tensor([[3, 48], [0, 24]])
    rule = apot_rule.dequantized(codes, 1, 4, 2, True)
    assert same(quant.dequantize_apot(codes.to(dtype).t(), 4, 2, True), rule.t().contiguous())


def test_memory_grows_with_the_input_only() -> None:
    """With 961 levels, a table of all distances would take 961 times the memory of the input."""
    x = torch.rand(2**18, requires_grad=True)
    quant.apot_fake_quantize(x, 8, 4, True)  # the tables are made once
    with torch.profiler.profile(profile_memory=True) as profile:
        quant.quantize_apot(x, 8, 4, True)
        quant.apot_fake_quantize(x, 8, 4, True)
    allocated = sum(max(0, event.cpu_memory_usage) for event in profile.events() if event.cpu_parent is None)
    assert 8 * x.numel() <= allocated <= 30 * x.numel()


def test_of_large_tables_one_is_kept() -> None:
    """After eight sets of few levels two of 261,121 codes: 24 bytes a code, and shorter tables."""
    for bits, k, alpha in [*((8, 4, 1.0 + each) for each in range(8)), (16, 8, 1.0), (16, 8, 2.0)]:
        quant.quantize_apot(torch.rand(3), bits, k, True, alpha)
    kept = [vars(each) for each in gc.get_objects() if type(each) is _Tables]
    sizes = [sum(getattr(table, "nbytes", 0) for table in tables.values()) for tables in kept]
    assert len([size for size in sizes if size > 2**21]) == 1
    assert sum(sizes) <= 24 * 261_121 + 8 * 24 * 2**16


# -- gradients -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("alpha", [1.0, 2.5, 0.7])
def test_gradient_at_alpha_and_one_ulp_beyond(dtype: torch.dtype, alpha: float) -> None:
    edge = torch.tensor(alpha, dtype=dtype)
    above, below = torch.nextafter(edge, edge.new_tensor(inf)), torch.nextafter(edge, edge.new_tensor(0))
    x = torch.stack([edge, -edge, above, -above, below, -below, *edge.new_tensor([nan, inf, -inf, 0])])
    x.requires_grad_()
    given = torch.arange(2, 12, dtype=dtype)
    (gradient,) = torch.autograd.grad(quant.apot_fake_quantize(x, 4, 2, True, alpha), x, given)
    assert gradient.tolist() == [2, 3, 0, 0, 6, 7, 0, 0, 0, 11]


def test_gradient_is_a_product() -> None:
    """As PyTorch's fake quantization has it: infinity where nothing passes gives NaN."""
    x = torch.tensor([0.5, 2, 2], requires_grad=True)
    given = torch.tensor([inf, inf, -1])
    (gradient,) = torch.autograd.grad(quant.apot_fake_quantize(x, 4, 2), x, given)
    assert same(gradient, given * torch.tensor([True, False, False]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_gradient_of_half_is_compared_in_float32(dtype: torch.dtype) -> None:
    x = torch.tensor([1.0, 65504, -inf], dtype=dtype, requires_grad=True)
    (gradient,) = torch.autograd.grad(quant.apot_fake_quantize(x, 4, 2, True, 1e6).sum(), x)
    assert same(gradient, torch.tensor([1, 1, 0], dtype=dtype))


def test_second_gradient() -> None:
    x = torch.tensor([0.5, 3.0, -1.0], requires_grad=True)
    given = torch.tensor([2.0, 3.0, 5.0], requires_grad=True)
    (gradient,) = torch.autograd.grad(quant.apot_fake_quantize(x, 4, 2), x, given, create_graph=True)
    (second,) = torch.autograd.grad((gradient * gradient).sum(), given)
    assert second.tolist() == [4, 0, 10]


def test_gradient_at_the_prompt(tcl: Interpreter) -> None:
    tcl.eval("set x [torch::tensor_create {-3 -2 0.3 2 2.1} -requires_grad 1]")
    tcl.eval("torch::tensor_backward [torch::tensor_sum [torch::apot_fake_quantize $x 4 2 1 2]]")
    assert tcl.eval("torch::tensor_to_list [torch::tensor_grad $x]") == "0.0 1.0 1.0 1.0 0.0"


# -- PyTorch's own cases: test/quantization/core/experimental/test_fake_quantize.py, restated ------------


def test_upstream_calc_qparams(tcl: Interpreter) -> None:
    """There the observer's and the fake quantizer's parameters for b=4, k=2 and [0, 1] must agree."""
    tcl.eval("set found [torch::apot_levels -bits 4 -k 2 -alpha 1.0]")
    found = {
        name: tcl.eval(f"dict get $found {name}") for name in ("alpha", "gamma", "levels", "level_indices")
    }
    gamma, levels, level_indices = quant.apot_qparams(1.0, 4, 2, signed=False)
    assert (float(found["alpha"]), float(found["gamma"])) == (1.0, gamma)
    assert torch.equal(tcl.dispatcher.table.objects[found["levels"]], levels)
    assert torch.equal(tcl.dispatcher.table.objects[found["level_indices"]], level_indices)


def test_upstream_forward(tcl: Interpreter) -> None:
    """Fake quantization is quantization and dequantization, for numbers from 0 to 1000."""
    torch.manual_seed(3)
    x = 1000 * torch.rand(20)
    alpha = x.max().item()
    tcl.call("set", "x", tcl.dispatcher.table.add("tensor", x))
    options = f"-bits 4 -k 2 -alpha {alpha!r}"
    tcl.eval(f"set fake [torch::apot_fake_quantize $x {options}]")
    tcl.eval(f"set both [torch::dequantize_apot [torch::quantize_apot $x {options}] {options}]")
    assert tcl.eval("torch::tensor_to_list $fake") == tcl.eval("torch::tensor_to_list $both")
    _, levels, _ = apot_rule.levels(alpha, 4, 2, False)
    nearest = levels[(levels - x[:, None]).abs().argmin(1)].tolist()
    assert [float(word) for word in tcl.eval("torch::tensor_to_list $fake").split()] == nearest


def test_upstream_forward_exception(tcl: Interpreter) -> None:
    tcl.eval("set x [torch::rand 20]")
    with pytest.raises(TclError) as raised:
        tcl.eval("torch::apot_fake_quantize $x -signed 0")
    assert raised.value.errorcode == ("TORCH", "ARG", "MISSING", "bits")


# -- errors ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "parameter", "message"),
    [
        ("0 1", "bits", "bits must be in 1 .. 16 but is 0"),
        ("17 1", "bits", "bits must be in 1 .. 16 but is 17"),
        ("4 0", "k", "k must divide bits (4) but is 0"),
        ("4 -2", "k", "k must divide bits (4) but is -2"),
        ("4 3", "k", "k must divide bits (4) but is 3"),
        ("4 8", "k", "k must divide bits (4) but is 8"),
        ("4 2 0 -1", "alpha", "alpha must be finite and at least 0 but is -1.0"),
        ("4 2 0 Inf", "alpha", "alpha must be finite and at least 0 but is inf"),
        ("4 2 0 NaN", "alpha", "alpha must be finite and at least 0 but is nan"),
        ("4 2 0 1e39", "alpha", "alpha is 1e+39, which float32 cannot hold"),
        ("4 2 0 1e-46", "alpha", "alpha is 1e-46, which float32 cannot hold"),
        ("16 1 1", "signed", "signed must be 0 for 16 bits in terms of 1: it would make 43046721 levels"),
    ],
)
def test_refused_level_sets(tcl: Interpreter, words: str, parameter: str, message: str) -> None:
    tcl.eval("set x [torch::rand 3]; set codes [torch::zeros 3 int32]")
    for command in ("apot_levels", "quantize_apot $x", "dequantize_apot $codes", "apot_fake_quantize $x"):
        with pytest.raises(TclError, match=f"^{re.escape(message)}$") as raised:
            tcl.eval(f"torch::{command} {words}")
        assert raised.value.errorcode == ("TORCH", "ARG", "VALUE", parameter)
    assert tcl.eval("llength [torch::handles]") == "2"


@pytest.mark.parametrize(
    ("call", "parameter", "message"),
    [
        ("quantize_apot $codes", "input", "input must be floating-point but is int32"),
        ("apot_fake_quantize $codes", "input", "input must be floating-point but is int32"),
        ("dequantize_apot $x", "codes", "codes must be integers but is float32"),
        (
            "dequantize_apot $legacy",
            "codes",
            "codes must be a plain tensor but is qint8: dequantize it first",
        ),
        ("dequantize_apot $truth", "codes", "codes must be integers but is bool"),
        ("dequantize_apot $codes", "codes", "codes must be in 0 .. 15 but one is 16"),
        ("dequantize_apot $negative", "codes", "codes must be in 0 .. 15 but one is -1"),
        ("dequantize_apot $huge", "codes", "codes must be in 0 .. 15 but one is 18446744073709551615"),
    ],
)
def test_refused_tensors(tcl: Interpreter, call: str, parameter: str, message: str) -> None:
    tcl.eval("""
        set x [torch::rand 3]
        set codes [torch::tensor_create {15 16 -1} int32]
        set negative [torch::tensor_create {{1 -1} {16 0}} int8]
        set truth [torch::tensor_create {1 0} bool]
        set legacy [torch::quantize_per_tensor $x 0.1 0 qint8]
        set huge [torch::tensor_create {1 18446744073709551615} uint64]
    """)
    with pytest.raises(TclError, match=f"^{re.escape(message)}$") as raised:
        tcl.eval(f"torch::{call} 4 2")
    assert raised.value.errorcode == ("TORCH", "ARG", "VALUE", parameter)
    assert tcl.eval("llength [torch::handles]") == "6"


def test_refused_in_python() -> None:
    with pytest.raises(ValueError, match=r"^k must divide bits \(4\) but is 3$"):
        quant.apot_qparams(1, 4, 3)
