"""The observers that PyTorch lacks, against direct computations, and what all observers have in common."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.ao.quantization import observer as torchs

from pybridge.quant import (
    APoTObserver,
    BadArgument,
    Channels,
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    MSEObserver,
    PercentileObserver,
    Scheme,
    recorded,
)
from tests.bits import same

INF, NAN = math.inf, math.nan
ROWS = Channels(axis=0)
MAKERS: dict[str, Callable[[Scheme], Any]] = {
    "minmax": MinMaxObserver,
    "per_channel_minmax": lambda scheme: MinMaxObserver(scheme, ROWS),
    "moving_average_minmax": MovingAverageMinMaxObserver,
    "moving_average_per_channel_minmax": lambda scheme: MovingAverageMinMaxObserver(scheme, ROWS),
    "histogram": HistogramObserver,
    "percentile": PercentileObserver,
    "percentile of channels": lambda scheme: PercentileObserver(scheme, ROWS),
    "mse": MSEObserver,
    "mse of channels": lambda scheme: MSEObserver(scheme, ROWS),
}
CHANNELS = [Channels(), Channels(axis=0), Channels(axis=1), Channels(axis=-1), Channels(group_size=5)]


def normal(*shape: int, seed: int = 3) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def rows_of(data: torch.Tensor, channels: Channels) -> list[torch.Tensor]:
    """The elements of each channel, picked one channel after the other."""
    if channels.group_size:
        return list(data.reshape(-1).split(channels.group_size))
    if channels.axis is None:
        return [data]
    return [data.select(channels.axis, index) for index in range(data.shape[channels.axis])]


def after(observer: Any, *seen: torch.Tensor) -> Any:
    for each in seen:
        observer.observe(each)
    return observer


# -- percentile ------------------------------------------------------------------------------------------


def test_percentile_by_hand() -> None:
    """0 .. 100 in another order: the 10th percentile is 10; the 99.5th lies between 99 and 100."""
    data = torch.arange(101.0).flip(0)
    low, high = after(PercentileObserver(Scheme(), percentile=90), data[:40], data[40:]).range()
    assert (low.item(), high.item()) == (10.0, 90.0)
    low, high = after(PercentileObserver(Scheme(), percentile=99.5), data).range()
    assert (low.item(), high.item()) == (0.5, 99.5)
    low, high = after(PercentileObserver(Scheme(), percentile=50), data).range()
    assert (low.item(), high.item()) == (50.0, 50.0)


@pytest.mark.parametrize("channels", CHANNELS, ids=str)
@pytest.mark.parametrize("percentile", [50.0, 75.0, 99.0, 99.99, 100.0])
def test_percentile_is_torchs_quantile(channels: Channels, percentile: float) -> None:
    data = normal(4, 35, 10)
    observer = after(PercentileObserver(Scheme(), channels, percentile), data)
    for rank, found in zip((100 - percentile, percentile), observer.range(), strict=True):
        for index, row in enumerate(rows_of(data, channels)):
            assert same(found.reshape(-1)[index], torch.quantile(row, rank / 100))


def test_percentile_of_several_batches_is_that_of_all() -> None:
    data = normal(3, 500)
    whole = after(PercentileObserver(Scheme(), ROWS, 98.0), data)
    parts = after(PercentileObserver(Scheme(), ROWS, 98.0), *data.split(101, dim=1))
    assert torch.equal(torch.stack(whole.range()), torch.stack(parts.range()))


@pytest.mark.parametrize("axis", [None, 0])
def test_percentile_beyond_the_limit_of_torch(axis: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the limit lowered; numpy interpolates in double precision, as we do there."""
    monkeypatch.setattr(recorded, "_MOST_OF_QUANTILE", 100)
    data = normal(3, 1001)
    observer = after(PercentileObserver(Scheme(), Channels(axis), 97.3), data)
    for rank, found in zip((2.7, 97.3), observer.range(), strict=True):
        expected = np.percentile(data.double().numpy(), rank, axis=None if axis is None else 1)
        assert np.allclose(found.numpy(), expected, rtol=1e-6, atol=0)
    data[1, 5] = NAN
    low, high = after(PercentileObserver(Scheme(), ROWS, 97.3), data).range()
    assert low.isnan().tolist() == high.isnan().tolist() == [False, True, False]
    ends = after(PercentileObserver(Scheme(), Channels(axis), 100.0), normal(3, 1001)).range()
    assert ends[0].min() == normal(3, 1001).min()
    assert ends[1].max() == normal(3, 1001).max()


def test_percentile_with_infinities() -> None:
    """They do not matter beyond the percentile; else the range is infinite or NaN as torch.quantile is."""
    data = torch.cat([torch.arange(99.0), torch.tensor([INF, -INF])])
    low, high = after(PercentileObserver(Scheme(), percentile=98), data).range()
    assert (low.item(), high.item()) == (1.0, 97.0)
    low, high = after(PercentileObserver(Scheme(), percentile=99.5), data).range()
    assert same(torch.stack([low, high]), torch.quantile(data, torch.tensor([0.005, 0.995])))


# -- least squared error ---------------------------------------------------------------------------------


def direct_mse(row: torch.Tensor, scheme: Scheme, qscheme: Any) -> tuple[float, float]:
    """Scale and zero point of the best of 100 ranges, each made by PyTorch's observer and fake quantize."""
    quant_min, quant_max = scheme.limits
    found: list[tuple[float, float, float]] = []
    expected = torchs.MinMaxObserver(
        dtype=scheme.dtype or torch.quint8,
        qscheme=qscheme,
        quant_min=scheme.quant_min,
        quant_max=scheme.quant_max,
    )
    for percent in range(1, 101):
        expected.min_val, expected.max_val = row.min() * (percent / 100), row.max() * (percent / 100)
        scale, zero_point = (each.item() for each in expected.calculate_qparams())
        result = torch.fake_quantize_per_tensor_affine(row, scale, int(zero_point), quant_min, quant_max)
        found.append((float((result.double() - row.double()).square().sum()), scale, zero_point))
    return min(found, key=lambda each: each[0])[1:]


@pytest.mark.parametrize("channels", CHANNELS, ids=str)
@pytest.mark.parametrize(
    ("options", "qscheme"),
    [
        ({"dtype": torch.quint8, "quant_min": 0, "quant_max": 7}, torch.per_tensor_affine),
        ({"dtype": torch.qint8, "quant_min": -8, "quant_max": 7}, torch.per_tensor_symmetric),
    ],
)
def test_mse_is_the_best_of_a_hundred(channels: Channels, options: Any, qscheme: Any) -> None:
    data = normal(2, 3, 5) ** 3
    scheme = Scheme(**options, qscheme="affine" if "affine" in str(qscheme) else "symmetric")
    scale, zero_point = after(MSEObserver(scheme, channels), data).calculate_qparams()
    rows = rows_of(data, channels)
    assert scale.numel() == len(rows)
    expected = [direct_mse(row, scheme, qscheme) for row in rows]
    assert list(zip(scale.reshape(-1).tolist(), zero_point.reshape(-1).tolist(), strict=True)) == expected
    whole, _ = after(MinMaxObserver(scheme, channels), data).calculate_qparams()
    assert (scale < whole).any()


def test_mse_takes_the_first_of_equals() -> None:
    """With a least scale of 1 the ranges of small elements all quantize alike."""
    data = torch.tensor([-0.25, 0.5])
    low, high = after(MSEObserver(Scheme(eps=1.0)), data).range()
    assert (low, high) == (data[0] * 0.01, data[1] * 0.01)


def test_mse_adds_squares_that_float32_cannot_hold() -> None:
    """Elements 2^80 times as large, whose squares are beyond float32, have a range 2^80 times as large."""
    data = normal(200) ** 3
    low, high = after(MSEObserver(Scheme(bits=4)), data).range()
    scaled = after(MSEObserver(Scheme(bits=4)), data * 2.0**80).range()
    assert scaled == (low * 2.0**80, high * 2.0**80)


def test_mse_passes_over_ranges_whose_width_float32_cannot_hold() -> None:
    """Their scale is infinite, and they quantize to NaN. 0.56 * 6e38 is below 2^128, 0.57 * 6e38 is not."""
    data = torch.tensor([-3e38, 0.0, 3e38])
    low, high = after(MSEObserver(Scheme()), data).range()
    assert (low, high) == (data[0] * 0.56, data[2] * 0.56)


def test_mse_looks_at_all_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    data = normal(2, 500) ** 3
    for channels in (Channels(), ROWS):
        at_once = after(MSEObserver(Scheme(bits=3), channels), data).range()
        with monkeypatch.context() as patch:
            patch.setattr(recorded, "BLOCK", 64)
            in_blocks = after(MSEObserver(Scheme(bits=3), channels), *data.split(170, dim=1)).range()
        assert torch.equal(torch.stack(at_once), torch.stack(in_blocks))


@pytest.mark.parametrize("odd", [NAN, INF, -INF])
def test_mse_of_what_is_not_finite_is_minmax(odd: float) -> None:
    data = torch.tensor([1.0, odd, -2.0])
    scale, zero_point = after(MSEObserver(Scheme()), data).calculate_qparams()
    expected = after(MinMaxObserver(Scheme()), data).calculate_qparams()
    assert same(scale, expected[0])
    assert zero_point == expected[1]


# -- additive powers of two ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "alpha"),
    [([-3.0, 2.0], 3.0), ([5.0, 7.0], 7.0), ([-5.0, -1.0], 5.0), ([0.0, 0.0], 0.0), ([1.5], 1.5)],
)
def test_alpha(seen: list[float], alpha: float) -> None:
    """max(-min, max); with 4 bits of 2 a term gamma is alpha / 1.5 (section 6 of the semantics)."""
    found = after(APoTObserver(4, 2), torch.tensor(seen), torch.empty(0)).calculate_qparams()
    assert found.alpha == alpha
    assert found.gamma == pytest.approx(alpha / 1.5, rel=2**-24)
    assert found.levels.numel() == 16
    assert (found.levels[0].item(), found.levels[-1].item()) == (0.0, alpha)
    assert found.level_indices.tolist() == (
        [0, 3, 12, 15, 2, 14, 8, 11, 10, 1, 13, 9, 4, 7, 6, 5] if alpha else list(range(16))
    )


@pytest.mark.parametrize(
    ("largest", "gamma"), [(2.0, 2.0), (3.0, 2.0), (3.01, 4.0), (0.375, 0.25), (0.0, 0.0)]
)
def test_alpha_of_a_power_of_two(largest: float, gamma: float) -> None:
    """gamma = alpha / 1.5 is rounded up: 2 / 1.5 to 2, 3 / 1.5 stays; the levels are then exact sums."""
    observer = after(APoTObserver(4, 2, signed=True, scale_mode="power_of_two"), torch.tensor([-largest]))
    found = observer.calculate_qparams()
    assert (found.gamma, found.alpha) == (gamma, gamma * 1.5)
    assert found.levels[-1].item() == gamma * 1.5
    assert found.levels[0].item() == -gamma * 1.5


def test_no_power_of_two_for_the_largest() -> None:
    observer = after(APoTObserver(4, 2, scale_mode="power_of_two"), torch.tensor([3.3e38]))
    with pytest.raises(BadArgument, match=r"^observer must have a gamma below 2\^128") as raised:
        observer.calculate_qparams()
    assert raised.value.parameter == "observer"


@pytest.mark.parametrize("seen", [[], [NAN, 1.0], [INF], [-INF, 0.0]])
def test_no_alpha(seen: list[float]) -> None:
    observer = after(APoTObserver(4, 2), torch.tensor(seen))
    with pytest.raises(BadArgument) as raised:
        observer.calculate_qparams()
    assert raised.value.parameter == "observer"
    assert "must have seen finite data" in str(raised.value) if seen else "not seen any" in str(raised.value)


def test_bad_levels_are_refused_at_once() -> None:
    with pytest.raises(BadArgument, match="k must divide bits"):
        APoTObserver(4, 3)


# -- scale modes and groups ------------------------------------------------------------------------------


@pytest.mark.parametrize("qscheme", ["affine", "symmetric"])
@pytest.mark.parametrize("kind", [each for each in MAKERS if not each.startswith("mse")])
def test_power_of_two_scales(kind: str, qscheme: Any) -> None:
    """The scale of the same observer, rounded up; the affine zero point is computed from the new one."""
    data = normal(4, 100) * torch.tensor([[0.1], [1.0], [3.0], [30.0]])
    scale, _ = after(MAKERS[kind](Scheme(bits=6, qscheme=qscheme)), data).calculate_qparams()
    observer = after(MAKERS[kind](Scheme(bits=6, qscheme=qscheme, scale_mode="power_of_two")), data)
    rounded, zero_point = observer.calculate_qparams()
    exact = [2.0 ** math.ceil(math.log2(each)) for each in scale.reshape(-1).tolist()]
    assert rounded.reshape(-1).tolist() == exact
    lows = observer.range()[0].reshape(-1).tolist()
    shifts = [round(-min(low, 0) / each) for low, each in zip(lows, exact, strict=True)]
    expected = [32] * len(exact) if qscheme == "symmetric" else shifts
    assert zero_point.reshape(-1).tolist() == expected


def test_mse_chooses_among_powers_of_two() -> None:
    data = normal(1000) ** 3
    observer = after(MSEObserver(Scheme(bits=3, scale_mode="power_of_two")), data)
    scale, zero_point = observer.calculate_qparams()

    def error(exponent: int) -> tuple[float, float, int]:
        step = 2.0**exponent
        fewer = []
        for zero in range(8):
            result = torch.fake_quantize_per_tensor_affine(data, step, zero, 0, 7)
            fewer.append((float((result - data).double().square().sum()), step, zero))
        return min(fewer)

    best = min(error(exponent) for exponent in range(-6, 4))
    assert (scale.item(), zero_point.item()) == best[1:]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 4), st.integers(1, 3), st.integers(1, 5), st.booleans())
def test_groups_are_the_rows_of_the_reshaped_tensor(
    outer: int, groups: int, size: int, averages: bool
) -> None:
    kind = (torchs.MovingAveragePerChannelMinMaxObserver if averages else torchs.PerChannelMinMaxObserver)()
    ours = MovingAverageMinMaxObserver if averages else MinMaxObserver
    observer = ours(Scheme(), Channels(group_size=size))
    for seed in (1, 2):
        data = normal(outer, 2, groups * size, seed=seed)
        observer.observe(data)
        kind(data.reshape(-1, size))
    assert observer.has_observed == bool(outer)
    if outer:
        for found, expected in zip(observer.calculate_qparams(), kind.calculate_qparams(), strict=True):
            assert same(found, expected)


# -- what all have in common -----------------------------------------------------------------------------


def same_answer(one: Any, other: Any) -> None:
    for found, expected in zip(one.calculate_qparams(), other.calculate_qparams(), strict=True):
        assert same(found, expected)


@pytest.mark.parametrize("kind", MAKERS)
def test_strides_dtypes_and_gradients_do_not_matter(kind: str) -> None:
    data = (normal(4, 30) * 10).round()
    expected = after(MAKERS[kind](Scheme()), data)
    variants = [
        data.t().contiguous().t(),
        data.repeat_interleave(2, dim=1)[:, ::2],
        data.clone().requires_grad_(),
    ]
    dtypes = [torch.float64, torch.int8, *[torch.float16] * (kind != "histogram")]  # whose bins are its own
    variants += [data.to(dtype) for dtype in dtypes]
    for variant in variants:
        same_answer(after(MAKERS[kind](Scheme()), variant), expected)


@pytest.mark.parametrize("kind", MAKERS)
def test_what_happens_to_the_tensor_afterwards_does_not_matter(kind: str) -> None:
    data = normal(4, 1)
    expected = after(MAKERS[kind](Scheme()), data.clone())
    observer = after(MAKERS[kind](Scheme()), data)
    data.fill_(100.0)
    same_answer(observer, expected)


@pytest.mark.parametrize("kind", MAKERS)
def test_never_observed(kind: str) -> None:
    """1 and 0 with a warning, as in PyTorch; also after nothing but empty tensors, and after a reset."""
    observer = MAKERS[kind](Scheme(bits=4, scale_mode="power_of_two"))
    for _ in range(2):
        observer.observe(torch.empty(3, 0))
        assert not observer.has_observed
        assert observer.seen == ""
        with pytest.warns(UserWarning, match="has not seen any data"):
            scale, zero_point = observer.calculate_qparams()
        assert scale.reshape(-1).tolist() == [1.0]
        assert zero_point.reshape(-1).tolist() == [0]
        assert scale.shape == zero_point.shape == (() if observer.channels.is_one else (1,))
        assert (scale.dtype, zero_point.dtype) == (torch.float32, torch.int32)
        after(observer, normal(3, 2)).reset()


@pytest.mark.parametrize("kind", MAKERS)
def test_a_state_is_gone_on_from(kind: str) -> None:
    """Saved between two tensors, after them, and before any."""
    first, second = normal(4, 50), normal(4, 50, seed=9) * 2
    observer = MAKERS[kind](Scheme())
    for each in (first, second):
        again = after(MAKERS[kind](Scheme()), normal(7, 3, seed=5))
        again.load_state(observer.state())
        assert again.has_observed == observer.has_observed
        same_answer(after(again, each), after(observer, each))
    state = observer.state()
    again = MAKERS[kind](Scheme())
    again.load_state(state)
    for tensor in state.values():
        tensor.zero_()
    same_answer(again, observer)


@pytest.mark.parametrize("kind", MAKERS)
def test_a_wrong_state_changes_nothing(kind: str) -> None:
    observer = after(MAKERS[kind](Scheme()), normal(4, 50))
    before = observer.state()
    wrong: list[dict[str, torch.Tensor]] = [{}, {"min_val": before.get("min_val", torch.ones(1))}]
    for name, tensor in before.items():
        wrong += [before | {name: tensor.double()}, before | {name: tensor[None]}]
        wrong += [before | {"more": tensor}]
    if "min_val" in before:
        wrong.append(before | {"min_val": before["max_val"] + 1})
    if "histogram" in before:
        for odd in (NAN, INF, -1.0):
            wrong.append(
                before | {"histogram": before["histogram"].clone().index_fill_(0, torch.tensor(3), odd)}
            )
        wrong += [before | {"min_val": torch.tensor(bad)} for bad in (NAN, -INF)]
        wrong += [before | {"max_val": torch.tensor(bad)} for bad in (NAN, INF)]
    for state in wrong:
        with pytest.raises(BadArgument, match=r"^state must") as raised:
            observer.load_state(state)
        assert raised.value.parameter == "state"
    for name, tensor in observer.state().items():
        assert torch.equal(tensor, before[name])


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (torch.ones(4, 2, dtype=torch.complex64), "input must be real but is complex64"),
        (torch.ones(4, 2, device="meta"), "input must be dense but is meta"),
        (torch.ones(4, 2).to_sparse(), "input must be dense but is sparse_coo"),
    ],
    ids=["complex", "meta", "sparse"],
)
def test_a_tensor_that_cannot_be_observed(kind: str, bad: torch.Tensor, message: str) -> None:
    observer = after(MAKERS[kind](Scheme()), normal(4, 50))
    expected = after(MAKERS[kind](Scheme()), normal(4, 50))
    with pytest.raises(BadArgument) as raised:
        observer.observe(bad)
    assert str(raised.value) == message
    same_answer(observer, expected)


@pytest.mark.parametrize("kind", [each for each in MAKERS if "channel" in each])
def test_other_channels_than_before(kind: str) -> None:
    observer = after(MAKERS[kind](Scheme()), normal(4, 50))
    with pytest.raises(BadArgument, match=r"^input must have 4 channels, as observed before, but has 1$"):
        observer.observe(normal(1, 50))
    same_answer(observer, after(MAKERS[kind](Scheme()), normal(4, 50)))


def test_histogram_refuses_nan_and_leaves_out_infinities() -> None:
    observer = after(HistogramObserver(Scheme(), 16), normal(50))
    expected = observer.state()
    with pytest.raises(BadArgument, match=r"^input must not hold NaN"):
        observer.observe(torch.tensor([1.0, NAN]))
    with pytest.warns(UserWarning, match="leaves out infinite elements"):
        observer.observe(torch.tensor([INF, -INF]))
    for name, tensor in observer.state().items():
        assert torch.equal(tensor, expected[name])
    with pytest.warns(UserWarning, match="leaves out infinite elements"):
        observer.observe(torch.tensor([1e300, 0.0], dtype=torch.float64))
    assert observer.histogram.sum() == 51


def test_shapes_in_messages_are_lists_of_tcl() -> None:
    state = MinMaxObserver(Scheme()).state() | {"max_val": torch.ones(2, 1)}
    with pytest.raises(BadArgument, match=r"and one shape but they have \{\} and \{2 1\}$"):
        MinMaxObserver(Scheme()).load_state(state)
    state = HistogramObserver(Scheme(), 5).state() | {"histogram": torch.ones(2, 3)}
    with pytest.raises(BadArgument, match=r"of 5 bins but it has the shape \{2 3\}$"):
        HistogramObserver(Scheme(), 5).load_state(state)


def test_elements_of_one_dimension_can_be_channels() -> None:
    """PyTorch's observers fail there."""
    scale, zero_point = after(
        MinMaxObserver(Scheme(bits=2), ROWS), torch.tensor([3.0, -6.0])
    ).calculate_qparams()
    assert scale.tolist() == [1.0, 2.0]
    assert zero_point.tolist() == [0, 3]


@pytest.mark.parametrize(
    ("make", "parameter", "message"),
    [
        (
            lambda: Channels(0, 4),
            "axis",
            "axis cannot be given with group_size, which cuts the last dimension",
        ),
        (lambda: Channels(group_size=0), "group_size", "group_size must be at least 1 but is 0"),
        (lambda: HistogramObserver(Scheme(), 0), "bins", "bins must be at least 1 but is 0"),
        (
            lambda: PercentileObserver(Scheme(), percentile=49.9),
            "percentile",
            "percentile must be in 50 .. 100 but is 49.9",
        ),
        (
            lambda: PercentileObserver(Scheme(), percentile=NAN),
            "percentile",
            "percentile must be in 50 .. 100 but is nan",
        ),
        (
            lambda: MovingAverageMinMaxObserver(Scheme(), averaging_constant=1.1),
            "averaging_constant",
            "averaging_constant must be in 0 .. 1 but is 1.1",
        ),
        (
            lambda: MinMaxObserver(Scheme(qscheme="affine_float_qparams")),
            "qscheme",
            "qscheme affine_float_qparams needs a scale for each channel, not for the tensor",
        ),
        (
            lambda: MSEObserver(Scheme(torch.uint16, qscheme="symmetric", quant_min=0, quant_max=1000)),
            "qscheme",
            "qscheme symmetric has the zero point 32768 here, beyond 0 .. 1000, with which nothing can be "
            "quantized",
        ),
        (
            lambda: after(MinMaxObserver(Scheme(), Channels(axis=-3)), normal(2, 3)),
            "axis",
            "axis must be in -2 .. 1 for this tensor but is -3",
        ),
        (
            lambda: after(MinMaxObserver(Scheme(), ROWS), torch.tensor(1.0)),
            "axis",
            "axis must be a dimension of a tensor that has none but is 0",
        ),
        (
            lambda: after(MinMaxObserver(Scheme(), Channels(group_size=4)), normal(4, 10)),
            "group_size",
            "group_size must divide the last dimension of input, 10, but is 4",
        ),
        (
            lambda: after(MinMaxObserver(Scheme(), Channels(group_size=4)), torch.tensor(1.0)),
            "group_size",
            "group_size needs an input with a dimension but it has none",
        ),
    ],
)
def test_bad_arguments(make: Callable[[], Any], parameter: str, message: str) -> None:
    with pytest.raises(BadArgument) as raised:
        make()
    assert (raised.value.parameter, str(raised.value)) == (parameter, message)
