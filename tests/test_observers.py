"""Observers: PyTorch's own where it has the same kind, bit for bit; direct computations for the others."""

import itertools
import json
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.ao.quantization import observer as torchs

from pybridge.quant import observers
from pybridge.quant.arguments import BadArgument
from pybridge.quant.channels import Channels
from pybridge.quant.histogram import HistogramObserver
from pybridge.quant.observers import MinMaxObserver, MovingAverageMinMaxObserver, UniformObserver
from pybridge.quant.schemes import Scheme
from tests.bits import from_bits, same

VECTORS = [
    each
    for each in json.loads((Path(__file__).parent / "data" / "vectors.json").read_text())["vectors"]
    if each["op"].startswith("observer.")
]
INF, NAN = math.inf, math.nan
DTYPES = ["qint8", "quint8", "qint32", "int8", "uint8", "int16", "uint16", "int32"]
PER_TENSOR = ["per_tensor_affine", "per_tensor_symmetric"]
PER_CHANNEL = ["per_channel_affine", "per_channel_symmetric", "per_channel_affine_float_qparams"]
QSCHEMES = {
    "MinMaxObserver": PER_TENSOR,
    "MovingAverageMinMaxObserver": PER_TENSOR,
    "HistogramObserver": PER_TENSOR,
    "PerChannelMinMaxObserver": PER_CHANNEL,
    "MovingAveragePerChannelMinMaxObserver": PER_CHANNEL,
}
# What we do not offer: a 4-bit dtype, for which there is `bits`, and observers without state.
NOT_OFFERED = {"quint4x2", "is_dynamic"}


def tensor(given: Any) -> torch.Tensor:
    dtype = getattr(torch, given["dtype"])
    if dtype is torch.float32:
        return from_bits(dtype, [int(bits, 16) for bits in given["bits"]]).reshape(given["shape"])
    return torch.tensor(given["bits"], dtype=dtype).reshape(given["shape"])


def ours(kind: str, options: dict[str, Any]) -> UniformObserver:
    """Our observer for the name and the arguments of PyTorch's."""
    options = dict(options)
    per_channel = "PerChannel" in kind
    words = str(options.pop("qscheme", "per_channel_affine" if per_channel else "per_tensor_affine"))
    scope, qscheme = _split(words)
    if scope != ("per_channel" if per_channel else "per_tensor"):
        raise BadArgument("qscheme", words)
    dtype = options.pop("dtype", None)
    channels = Channels(axis=options.pop("ch_axis", 0) if per_channel else None)
    own = {name: options.pop(name) for name in ("averaging_constant", "bins") if name in options}
    scheme = Scheme(
        dtype=getattr(torch, dtype) if isinstance(dtype, str) else dtype, qscheme=qscheme, **options
    )
    if kind == "HistogramObserver":
        return HistogramObserver(scheme, **own)
    made = MovingAverageMinMaxObserver if kind.startswith("MovingAverage") else MinMaxObserver
    return made(scheme, channels, **own)


def _split(words: str) -> tuple[str, Any]:
    scope = words[: len("per_channel")] if words.startswith("per_channel") else "per_tensor"
    return scope, words.removeprefix(scope + "_")


def theirs(kind: str, options: dict[str, Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(torchs, kind)(**options)


def qparams_agree(observer: UniformObserver, expected: Any) -> None:
    """Scale and zero point of our observer are PyTorch's."""
    scale, zero_point = observer.calculate_qparams()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted_scale, wanted_zero_point = expected.calculate_qparams()
    assert same(scale.reshape(wanted_scale.shape), wanted_scale)
    assert zero_point.shape == scale.shape
    if zero_point.is_floating_point():  # 0 has a sign here, which is that of the first 0 that was seen
        assert torch.equal(zero_point.nan_to_num(5.5), wanted_zero_point.nan_to_num(5.5))
    else:
        assert zero_point.tolist() == wanted_zero_point.reshape(scale.shape).tolist()


# -- the vectors -----------------------------------------------------------------------------------------


def test_how_many_vectors() -> None:
    assert len(VECTORS) == 62


@pytest.mark.parametrize("vector", VECTORS, ids=lambda each: str(each["id"]))
def test_vector(vector: Any) -> None:
    options = dict(vector["args"]["kwargs"])
    kind = vector["op"].removeprefix("observer.")
    batches = [tensor(given) for name, given in vector["args"].items() if name.startswith("batch")]
    if NOT_OFFERED & {options.get("dtype"), *options}:
        with pytest.raises((BadArgument, TypeError)):
            ours(kind, options)
        return
    if "error" in vector:
        with pytest.raises(BadArgument):
            ours(kind, options).observe(batches[0])
        return
    observer = ours(kind, options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if any(batch.isinf().any() for batch in batches) else "error")
        for batch in batches:
            observer.observe(batch)
    scale, zero_point = observer.calculate_qparams()
    expected = vector["expect"]
    assert same(scale.reshape(-1), tensor(expected["scale"]))
    assert zero_point.reshape(-1).tolist() == tensor(expected["zero_point"]).tolist()
    assert observer.scheme.limits == (expected["quant_min"], expected["quant_max"])
    state = observer.state()
    for name in ("min_val", "max_val"):
        assert same(state[name], tensor(expected[name]))


# -- PyTorch's observers ---------------------------------------------------------------------------------

NUMBERS = st.floats(-100, 100, width=32) | st.floats(width=32) | st.sampled_from([0.0, -0.0, INF, -INF, NAN])
FINITE = st.floats(-100, 100, width=32) | st.sampled_from([0.0, 1e30, -1e-30, 3.0])
SOURCES = st.sampled_from([torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int32])


@st.composite
def options(draw: Any, per_channel: bool) -> dict[str, Any]:
    scope = "per_channel" if per_channel else "per_tensor"
    names = ["affine", "symmetric"] + ["affine_float_qparams"] * per_channel
    found = {
        "dtype": draw(st.sampled_from([torch.qint8, torch.quint8, torch.int8, torch.uint8, torch.int16])),
        "qscheme": getattr(torch, f"{scope}_{draw(st.sampled_from(names))}"),
        "eps": draw(st.sampled_from([2**-23, 0.5])),
    }
    if "symmetric" not in str(found["qscheme"]) or found["dtype"] is not torch.quint8:
        found["reduce_range"] = draw(st.booleans())
    if draw(st.booleans()):
        signed = found["dtype"] not in (torch.quint8, torch.uint8)
        found |= {"quant_min": -8 if signed else 0, "quant_max": 7 if signed else 15}
    return found


@st.composite
def batches(draw: Any, shape: Callable[[Any], list[int]], numbers: Any = NUMBERS) -> list[torch.Tensor]:
    made = []
    for _ in range(draw(st.integers(1, 4))):
        size = shape(draw)
        count = math.prod(size)
        values = draw(st.lists(numbers, min_size=count, max_size=count))
        source = draw(SOURCES)
        exact = torch.tensor(values, dtype=torch.float64)
        if source is torch.int32:
            exact = exact.nan_to_num(0, 100, -100).clamp(-1e9, 1e9)
        made.append(exact.to(source).reshape(size))
    return made


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from(["MinMaxObserver", "MovingAverageMinMaxObserver"]),
    options(per_channel=False),
    batches(lambda draw: draw(st.sampled_from([[], [0], [1], [7], [2, 3], [3, 0], [40]]))),
    st.floats(0, 1),
)
def test_per_tensor_is_torchs(kind: str, given: Any, seen: list[torch.Tensor], constant: float) -> None:
    if kind.startswith("Moving"):
        given = {**given, "averaging_constant": constant}
    compare(kind, given, seen)


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from(["PerChannelMinMaxObserver", "MovingAveragePerChannelMinMaxObserver"]),
    options(per_channel=True),
    st.integers(-3, 2).flatmap(
        lambda axis: st.tuples(
            st.just(axis),
            batches(
                lambda draw: [
                    2 if dim == axis % 3 else size
                    for dim, size in enumerate(draw(st.tuples(*[st.integers(0, 4)] * 3)))
                ]
            ),
        )
    ),
    st.floats(0, 1),
)
def test_per_channel_is_torchs(
    kind: str, given: Any, seen: tuple[int, list[torch.Tensor]], constant: float
) -> None:
    given = {**given, "ch_axis": seen[0]}
    if kind.startswith("Moving"):
        given["averaging_constant"] = constant
    compare(kind, given, seen[1])


def compare(kind: str, given: dict[str, Any], seen: list[torch.Tensor]) -> None:
    """Our observer and PyTorch's, after each tensor."""
    expected = theirs(kind, given)
    observer = ours(kind, given | {"qscheme": str(given["qscheme"]).removeprefix("torch.")})
    for each in seen:
        observer.observe(each)
        expected(each)
        if observer.has_observed:
            if bool((observer.range()[0] > observer.range()[1]).any()):
                return  # averages that crossed by rounding: both refuse
            qparams_agree(observer, expected)
    for name, found in observer.state().items():
        assert torch.equal(found.nan_to_num(5.5), getattr(expected, name).nan_to_num(5.5))


@pytest.mark.parametrize("dtype", [getattr(torch, name) for name in DTYPES], ids=DTYPES)
@pytest.mark.parametrize("kind", [*QSCHEMES])
def test_every_dtype_scheme_and_range(kind: str, dtype: torch.dtype) -> None:
    """With ranges of its own, reduced ones, and both. minmax refuses quint8 reduced and symmetric."""
    lowest = 0 if dtype in (torch.quint8, torch.uint8, torch.uint16) else -9
    seen = [torch.randn(3, 4, generator=torch.Generator().manual_seed(seed)) * 3 for seed in range(3)]
    more = {"bins": 64} if kind == "HistogramObserver" else {}
    if more:  # of many elements PyTorch's search soon finds the end
        seen = [torch.randn(10_000, generator=torch.Generator().manual_seed(3)) ** 3]
    for qscheme, own, reduces in itertools.product(QSCHEMES[kind], [(), (lowest, 100), (lowest, 2)], (0, 1)):
        given: dict[str, Any] = {**more, **dict(zip(("quant_min", "quant_max"), own, strict=False))}
        given |= {"dtype": dtype, "qscheme": getattr(torch, qscheme), "reduce_range": bool(reduces)}
        beyond = dtype is torch.quint8 and reduces and "symmetric" in qscheme
        if beyond and not more:
            with pytest.raises(NotImplementedError, match="Cannot reduce range"):
                theirs(kind, given)
            with pytest.raises(BadArgument, match="reduce_range cannot be used with symmetric quint8"):
                ours(kind, given | {"qscheme": qscheme})
        else:
            compare(kind, given, seen)


@pytest.mark.parametrize("shape", [(1000, 1000), (3, 70_001), (70_001, 3), (5, 2, 16_384)], ids=str)
@pytest.mark.parametrize("most", [0, 2**22])
def test_large_channels_are_torchs(
    shape: tuple[int, ...], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked at in pieces, by PyTorch's threads, or as a whole; a NaN in one channel."""
    monkeypatch.setattr(observers, "_MOST_OF_ONE_THREAD", most)
    data = torch.randn(shape, generator=torch.Generator().manual_seed(3))
    data[2, -1] = NAN
    for axis in range(len(shape)):
        given = {"qscheme": torch.per_channel_affine, "ch_axis": axis}
        compare("PerChannelMinMaxObserver", given, [data, data * 2])


@settings(max_examples=10, deadline=None)
@given(
    st.sampled_from([torch.qint8, torch.quint8, torch.int16]),
    st.sampled_from([torch.per_tensor_affine, torch.per_tensor_symmetric]),
    st.sampled_from([1, 3, 16, 100]),
    st.lists(
        st.tuples(
            st.sampled_from([torch.float32, torch.float64]),
            st.integers(0, 100),
            st.integers(0, 10**6),
            st.sampled_from([0.0, 1e-3, 1.0, 50.0]),
            st.sampled_from([0.0, 3.0, -20.0]),
            st.booleans(),
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_histogram_is_torchs(dtype: torch.dtype, qscheme: Any, bins: int, plan: list[Any]) -> None:
    """Normal data with shifts and outliers, constants, empty tensors; batch by batch."""
    given = {"dtype": dtype, "qscheme": qscheme, "bins": bins}
    expected = theirs("HistogramObserver", given)
    observer = ours("HistogramObserver", given | {"qscheme": str(qscheme).removeprefix("torch.")})
    for source, size, seed, spread, shift, with_outlier in plan:
        data = torch.randn(size, generator=torch.Generator().manual_seed(seed), dtype=source)
        data = data * spread + shift
        if with_outlier and size:
            data[0] = 300.0
        observer.observe(data)
        expected(data)
        for name, found in observer.state().items():
            assert same(found, getattr(expected, name))
    if observer.has_observed:
        qparams_agree(observer, expected)


@pytest.mark.parametrize("bins", [7, 64])
def test_histogram_that_grows_often(bins: int) -> None:
    """Each batch is three per cent wider than the last one: all old bins are spread anew."""
    expected, observer = torchs.HistogramObserver(bins), HistogramObserver(Scheme(), bins)
    for seed in range(25):
        data = torch.rand(500, generator=torch.Generator().manual_seed(seed)) - 0.4
        observer.observe(data * 1.03**seed)
        expected(data * 1.03**seed)
        for name, found in observer.state().items():
            assert same(found, getattr(expected, name))
    qparams_agree(observer, expected)


@pytest.mark.parametrize("source", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("bins", [5, 64, 2048])
def test_histogram_of_half_types(source: torch.dtype, bins: int) -> None:
    """In their own precision: bins by it, and counts that stop at 256 in bfloat16 and at 2048 in float16."""
    for seed in range(20):
        generator = torch.Generator().manual_seed(seed)
        expected, observer = torchs.HistogramObserver(bins), HistogramObserver(Scheme(), bins)
        for size, spread in ((300, 1.0), (9_000, 0.9), (1, 3.0), (4_000, 2.0)):
            data = (torch.randn(size, generator=generator) * spread + seed % 3).to(source)
            observer.observe(data)
            expected(data)
            for name, found in observer.state().items():
                assert same(found, getattr(expected, name))
        if seed < 2:  # PyTorch's search walks from bin to bin
            qparams_agree(observer, expected)


@pytest.mark.parametrize("source", [torch.float16, torch.bfloat16])
def test_histogram_of_half_types_leaves_out_infinities(source: torch.dtype) -> None:
    data = torch.tensor([-1.0, INF, 0.5, -INF, 2.0, 0.3]).to(source)
    expected, observer = torchs.HistogramObserver(7), HistogramObserver(Scheme(), 7)
    with pytest.warns(UserWarning, match=r"torch\.inf detected"):
        expected(data)
    with pytest.warns(UserWarning, match="leaves out infinite elements"):
        observer.observe(data)
    for name, found in observer.state().items():
        assert same(found, getattr(expected, name))


def test_histogram_of_the_default_size() -> None:
    """2,048 bins, in three batches; the end of the long upper tail is cut off."""
    data = torch.randn(5000, generator=torch.Generator().manual_seed(1)) ** 3
    expected, observer = torchs.HistogramObserver(), HistogramObserver(Scheme())
    for part in data.split(1700):
        observer.observe(part)
        expected(part)
    qparams_agree(observer, expected)
    _, high = observer.range()
    assert high < observer.max_val == data.max()
