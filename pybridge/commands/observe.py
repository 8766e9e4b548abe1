"""Observers: commands that watch tensors and tell the scale and the zero point to quantize them with."""

from typing import Any, Literal, get_args

from pybridge import errors
from pybridge.annotations import Dtype, Tensor, TensorHandle
from pybridge.handles import HandleTable
from pybridge.lazy import quant
from pybridge.names import QScheme, ScaleMode
from pybridge.registry import command

Kind = Literal[
    "minmax",
    "per_channel_minmax",
    "moving_average_minmax",
    "moving_average_per_channel_minmax",
    "histogram",
    "percentile",
    "mse",
    "apot",
]
_SCHEME = (
    "dtype",
    "bits",
    "signed",
    "qscheme",
    "quant_min",
    "quant_max",
    "reduce_range",
    "eps",
    "scale_mode",
)
_CHANNELS = ("axis", "group_size")
# The options of each kind beside those of a scheme, and what stands for them when they are left out.
_OPTIONS: dict[str, tuple[str, ...]] = {
    "minmax": _SCHEME,
    "per_channel_minmax": (*_SCHEME, *_CHANNELS),
    "moving_average_minmax": (*_SCHEME, "averaging_constant"),
    "moving_average_per_channel_minmax": (*_SCHEME, *_CHANNELS, "averaging_constant"),
    "histogram": (*_SCHEME, "bins"),
    "percentile": (*_SCHEME, *_CHANNELS, "percentile"),
    "mse": (*_SCHEME, *_CHANNELS),
    "apot": ("bits", "k", "signed", "scale_mode"),
}


class Observer:
    """An observer behind a handle.

    Attributes:
        kind: the word it was made with.
        inner: the observer of `pybridge.quant`.
    """

    handle_kind = "observer"

    def __init__(self, kind: str, inner: Any) -> None:
        self.kind, self.inner = kind, inner

    @property
    def bytes(self) -> int:
        """What it keeps of what it has seen."""
        return int(self.inner.bytes)

    @property
    def summary(self) -> str:
        """What it is and what it has seen, in a line: `minmax to 0 .. 255  saw -1 .. 2`."""
        if self.kind == "apot":
            levels = f"{self.inner.bits} bits, {self.inner.k} a term"
        else:
            levels = "{} .. {}".format(*self.inner.scheme.limits)
        seen = self.inner.seen
        return f"{self.kind} to {levels}  {f'saw {seen}' if seen else 'saw nothing yet'}"


@command()
def observer(
    kind: Kind,
    dtype: Dtype | None = None,
    bits: int | None = None,
    signed: bool | None = None,
    qscheme: QScheme | None = None,
    axis: int | None = None,
    group_size: int | None = None,
    quant_min: int | None = None,
    quant_max: int | None = None,
    reduce_range: bool | None = None,
    eps: float | None = None,
    scale_mode: ScaleMode | None = None,
    averaging_constant: float | None = None,
    bins: int | None = None,
    percentile: float | None = None,
    k: int | None = None,
) -> Observer:
    """Make an observer: it looks at tensors, and tells the scale and zero point to quantize such data with.

    Where PyTorch has an observer of the kind, its numbers are the same bit for bit. That includes two zero
    points of symmetric schemes that are beyond the integers: 32768 of uint16 with a lower quant_max, and 128
    of uint8 (for histogram of quint8, too) with reduce_range.

    The kinds find the range of the numbers in different ways:

    - minmax: from the least to the greatest element (MinMaxObserver).
    - per_channel_minmax: the same for each channel (PerChannelMinMaxObserver).
    - moving_average_minmax: the averages of the least and of the greatest elements of the tensors observed
      (MovingAverageMinMaxObserver).
    - moving_average_per_channel_minmax: the same for each channel (MovingAveragePerChannelMinMaxObserver).
    - histogram: the range that quantizes a histogram of all elements with the least error
      (HistogramObserver). As there, floating-point tensors are binned and counted in their own precision: of
      a large float16 or bfloat16 one observe a float32 copy. On a GPU, where PyTorch has no histogram of
      these two, they are binned as float32.
    - percentile: from the (100 - p)-th to the p-th percentile of all elements, by the linear rule of
      `torch.quantile`.
    - mse: of the range of all elements times 0.01, 0.02 .. 1.00, the one whose fake quantization has the
      least squared error, the first of equals.
    - apot: the largest magnitude, for additive powers of two.

    percentile and mse keep a copy of everything they observe, four bytes an element; the others keep a few
    numbers a channel, or a histogram. `memory` and `handles -details 1` count these bytes.

    Args:
        kind: which one.
        dtype: the integers: qint8, quint8, qint32, int8, uint8, int16, uint16 or int32. Without dtype, bits
            and signed it is quint8, as in PyTorch.
        bits: the width of the integers, 2 .. 16, in place of a dtype; 8 by default. For apot 1 .. 16, and
            required.
        signed: whether there are negative ones; by default when quant_min is negative.
        qscheme: affine (default), symmetric, or affine_float_qparams: zero points that are no integers. See
            `calculate_qparams` for the formulas.
        axis: the dimension whose slices are the channels; 0 by default for the per_channel kinds. percentile
            and mse have one channel unless axis or group_size is given.
        group_size: makes each so many neighbours along the last dimension a channel, in place of axis.
        quant_min: lowest integer, 0 or less; by default that of the dtype or bits.
        quant_max: highest integer, 0 or more.
        reduce_range: 1 leaves half of the integers, one bit fewer; beyond 8 bits only where quant_min or
            quant_max is given, as in PyTorch. It is refused for symmetric bits without sign, unless these are
            given, and for symmetric quint8 by the kinds of minmax, as in PyTorch.
        eps: the least scale; 1.1920928955078125e-07 by default.
        scale_mode: float (default), or power_of_two: the scale is rounded up to a power of two, for shifts in
            place of multiplications, as in fixed-point arithmetic; for apot this is gamma.
        averaging_constant: for the moving averages, the share of a new tensor, 0 .. 1; 0.01 by default.
        bins: for histogram; 2048 by default.
        percentile: for percentile, p in 50 .. 100; 99.99 by default.
        k: for apot, the bits of a term; they must divide bits.

    Returns:
        The handle of the observer.

    Errors:
        TORCH ARG VALUE, naming the parameter, for an option that the kind does not have, and for each rule
        above.

    Example:
        set watch [torch::observer minmax -bits 4 -signed 1]
        torch::observe $watch [torch::tensor_create {-3.0 4.5}]
        set qparams [torch::calculate_qparams $watch]
        torch::tensor_item [dict get $qparams scale]
        => 0.5
    """
    given = {name: value for name, value in locals().items() if name != "kind" and value is not None}
    for name in given:
        if name not in _OPTIONS[kind]:
            kinds = ", ".join(each for each in get_args(Kind) if name in _OPTIONS[each])
            raise errors.arg_value(name, f"{name} has no meaning for kind {kind}, only for {kinds}")
    return Observer(kind, _made(kind, given))


@command()
def observe(table: HandleTable, observer: Observer, input: TensorHandle) -> str:
    """Let an observer see a tensor.

    Args:
        observer: what `observer` gave.
        input: a tensor of real numbers, seen as float32 and without its gradient. One without elements
            changes nothing. With channels, as many as in the tensors before. A NaN makes the range of its
            channel NaN for good, and an error for histogram; an infinity makes it infinite, and histogram
            leaves it out with a warning.

    Returns:
        The handle of input, the same one, so that it can stand where $x does.

    Errors:
        TORCH ARG VALUE, naming the parameter, for an axis that the tensor does not have, a last dimension
        that group_size does not divide, another number of channels; the observer is then as before.

    Example:
        set watch [torch::observer minmax]
        set x [torch::ones {2}]
        string equal $x [torch::observe $watch $x]
        => 1
    """
    observer.inner.observe(table.objects[input])
    table.storages.measure(observer)
    return input


@command()
def calculate_qparams(observer: Observer) -> dict[str, Any]:
    """Tell how to quantize what an observer has seen.

    Of a range low .. high, widened to hold 0, an affine scale is (high - low) / (quant_max - quant_min), and
    a symmetric one max(-low, high) / ((quant_max - quant_min) / 2): at 8 bits max/127.5, where
    `linear_q_symmetric` has max/127.

    Args:
        observer: what `observer` gave.

    Returns:
        A dict: `scale` and `zero_point`, handles of tensors as `fake_quantize_per_tensor` and
        `fake_quantize_per_channel` take them: 0-d, or with channels 1-D, float32 and int32 (zero points of
        affine_float_qparams: float32); `quant_min` and `quant_max`; `axis`, empty when one scale is for the
        whole tensor; with group_size also that, for the tensor reshaped to {-1 group_size}, and axis 0. For
        kind apot: `alpha` and `gamma`, numbers, `levels` and `level_indices`, handles. When nothing was seen,
        scale is 1 and zero_point 0, with a warning.

    Errors:
        TORCH ARG VALUE observer, for kind apot, when nothing was seen, or a NaN or an infinity, or a number
        so large that float32 has no power of two for it.

    Example:
        set x [torch::tensor_create {-3.0 0.6 4.5}]
        set watch [torch::observer minmax -bits 4]
        torch::observe $watch $x
        set qparams [torch::calculate_qparams $watch]
        dict with qparams {
            set range [list $quant_min $quant_max]
            set y [torch::fake_quantize_per_tensor $x $scale $zero_point \\
                {*}$range]
        }
        torch::tensor_to_list $y
        => -3.0 0.5 4.5
    """
    inner = observer.inner
    found = inner.calculate_qparams()
    if observer.kind == "apot":
        return dict(found._asdict())
    scale, zero_point = found
    quant_min, quant_max = inner.scheme.limits
    answer = {"scale": scale, "zero_point": zero_point, "quant_min": quant_min, "quant_max": quant_max}
    if inner.channels.group_size is not None:
        return {**answer, "axis": 0, "group_size": inner.channels.group_size}
    return {**answer, "axis": inner.channels.axis}


@command()
def reset_observer(table: HandleTable, observer: Observer) -> None:
    """Make an observer forget what it has seen; its options stay.

    Args:
        observer: what `observer` gave.

    Returns:
        Nothing.

    Example:
        set watch [torch::observer moving_average_minmax]
        torch::observe $watch [torch::tensor_create {-9.0 9.0}]
        torch::reset_observer $watch
        torch::observe $watch [torch::tensor_create {0.0 1.0}]
        torch::tensor_item [dict get [torch::observer_state $watch] max_val]
        => 1.0
    """
    observer.inner.reset()
    table.storages.measure(observer)


@command()
def observer_state(observer: Observer) -> dict[str, Tensor]:
    """Tell what an observer has seen, to be saved with `save_safetensors`.

    Args:
        observer: what `observer` gave.

    Returns:
        A dict from names to handles of copies, all float32: `min_val` and `max_val`, 0-d, or with channels
        1-D; for histogram also `histogram`; for percentile and mse `values`, all that was observed, with
        channels a row for each. Before the first tensor min_val is Inf and max_val -Inf, or they are empty.

    Example:
        set watch [torch::observer minmax]
        torch::observe $watch [torch::tensor_create {-1.0 0.5 2.0}]
        torch::tensor_item [dict get [torch::observer_state $watch] min_val]
        => -1.0
    """
    state: dict[str, Tensor] = observer.inner.state()
    return state


@command()
def load_observer_state(table: HandleTable, observer: Observer, state: dict[str, Tensor]) -> None:
    """Set what an observer has seen, in place of what it had seen before.

    Args:
        observer: one of the same kind and options as that whose state it is.
        state: what `observer_state` gave, or `load_safetensors` of a file it was saved in; copied.

    Returns:
        Nothing.

    Errors:
        TORCH ARG VALUE state, when these are not the tensors of this kind; the observer is then as before.

    Example:
        set watch [torch::observer minmax]
        torch::observe $watch [torch::tensor_create {-1.0 2.0}]
        set state [torch::observer_state $watch]
        torch::save_safetensors $state watch.safetensors
        set again [torch::observer minmax]
        set state [torch::load_safetensors watch.safetensors]
        torch::load_observer_state $again $state
        set qparams [torch::calculate_qparams $again]
        torch::tensor_item [dict get $qparams zero_point]
        => 85
    """
    observer.inner.load_state(state)
    table.storages.measure(observer)


def _made(kind: str, given: dict[str, Any]) -> Any:
    """The observer of this kind; what is not given is left to its defaults."""
    if kind == "apot":
        for name in ("bits", "k"):
            if name not in given:
                raise errors.missing_option(name)
        return quant.APoTObserver(**given)
    scheme = quant.Scheme(**{name: value for name, value in given.items() if name in _SCHEME})
    own = {name: value for name, value in given.items() if name not in (*_SCHEME, *_CHANNELS)}
    if kind == "histogram":
        return quant.HistogramObserver(scheme, **own)
    if "per_channel" in kind and "group_size" not in given:
        given.setdefault("axis", 0)
    channels = quant.Channels(given.get("axis"), given.get("group_size"))
    classes = {"percentile": quant.PercentileObserver, "mse": quant.MSEObserver}
    averages = "moving_average" in kind
    extremes = quant.MovingAverageMinMaxObserver if averages else quant.MinMaxObserver
    return classes.get(kind, extremes)(scheme, channels, **own)
