"""The manifest: what a file of integers does not say itself, beside it as JSON."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pybridge.hardware.refusals import BadContent
from pybridge.hardware.words import WIDEST
from pybridge.quant.arguments import BadArgument, check_choice
from pybridge.quant.channels import Channels
from pybridge.quant.integer_range import limits

SUFFIX = ".manifest.json"  # after the data file's full name
VERSION = 1
ORDERS = ("row", "column")
BYTE_ORDERS = ("little", "big")
# The dtypes that can be written, with the bits of their values and whether those are signed.
DTYPES = {
    "bool": (1, False),
    "uint8": (8, False),
    "int8": (8, True),
    "uint16": (16, False),
    "int16": (16, True),
    "uint32": (32, False),
    "int32": (32, True),
    "uint64": (64, False),
    "int64": (64, True),
}
_SHA256 = re.compile("[0-9a-f]{64}")
_MOST_VALUES = 1 << 40
_MOST_DIMS = 32  # NumPy 1.26 has no more
_VERSION_KEY = "tcltorch_manifest"


@dataclass(frozen=True, kw_only=True)
class Coding:
    """How integers stand in words.

    Attributes:
        bits: the width of a value, 1 .. 32.
        signed: whether its highest bit is the sign (two's complement).
        values_per_word: the first value in the lowest bits of a word.
        byte_order: of the bytes of a word, in formats of bytes.
    """

    bits: int
    signed: bool
    values_per_word: int = 1
    byte_order: str = "little"

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= 32:
            raise BadArgument("bits", f"bits must be in 1 .. 32 but is {self.bits}")
        if self.signed and self.bits == 1:
            raise BadArgument("bits", "bits must be 2 or more for signed values but is 1")
        most = WIDEST // self.bits
        if not 1 <= self.values_per_word <= most:
            raise BadArgument(
                "values_per_word",
                f"values_per_word must be in 1 .. {most} for {self.bits} bits (a word has at most {WIDEST}) "
                f"but is {self.values_per_word}",
            )
        check_choice(self.byte_order, "byte_order", BYTE_ORDERS)

    @property
    def word_bits(self) -> int:
        """The width of a word."""
        return self.bits * self.values_per_word

    @property
    def word_signed(self) -> bool:
        """Whether a word as a whole is a signed number."""
        return self.signed and self.values_per_word == 1

    @property
    def limits(self) -> tuple[int, int]:
        """The lowest and the highest value."""
        return limits(self.bits, self.signed)

    @property
    def container(self) -> str:
        """The smallest integer type of a computer that holds a word of up to 64 bits: `int8`, `uint16`."""
        size = next(size for size in (8, 16, 32, 64) if self.word_bits <= size)
        return f"{'' if self.word_signed else 'u'}int{size}"


@dataclass(frozen=True, kw_only=True)
class Manifest(Coding):
    """What there is to know of a file of integers.

    Attributes:
        format: a key of `formats.FORMATS`.
        shape: of the tensor.
        dtype: of the tensor: a key of `DTYPES`.
        order: `row`: the last index runs fastest; `column`: the first one does.
        channels_last: whether dimension 1 was moved to the end before that.
        words_per_line: words a line, record or address of the file; None where it has no lines.
        scales: one, one a slice of `axis`, or one a group; as doubles, which hold float32 exactly.
        zero_points: as many as scales, or one.
        axis: the dimension whose slices have scales of their own.
        group_size: values a scale, along the last dimension.
        sha256: of the data file; empty until it is written.
    """

    format: str
    shape: tuple[int, ...]
    dtype: str
    order: str = "row"
    channels_last: bool = False
    words_per_line: int | None = None
    scales: tuple[float, ...] | None = None
    zero_points: tuple[int, ...] | None = None
    axis: int | None = None
    group_size: int | None = None
    sha256: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_shape(self.shape, "shape")
        check_choice(self.dtype, "dtype", tuple(DTYPES))
        check_choice(self.order, "order", ORDERS)
        if self.channels_last and len(self.shape) < 3:
            raise BadArgument(
                "channels_last",
                f"channels_last needs an input of 3 or more dimensions but it has {len(self.shape)}",
            )
        if self.words_per_line is not None and not 1 <= self.words_per_line <= 1 << 16:
            raise BadArgument(
                "words_per_line", f"words_per_line must be in 1 .. 65536 but is {self.words_per_line}"
            )
        if self.sha256 and not _SHA256.fullmatch(self.sha256):
            raise BadArgument("sha256", "sha256 must be 64 hexadecimal digits")
        self._check_scales()

    def _check_scales(self) -> None:
        count = self._scale_count()
        for name in ("scales", "zero_points"):
            given = getattr(self, name)
            if given is not None and not (name == "zero_points" and len(given) == 1):
                Channels(self.axis, self.group_size).check_count(name, len(given), count)
        bad = next((scale for scale in self.scales or () if not math.isfinite(scale)), None)
        if bad is not None:
            raise BadArgument("scales", f"scales must be finite but one is {bad}")
        far = next((each for each in self.zero_points or () if not -(2**31) <= each < 2**31), None)
        if far is not None:
            raise BadArgument("zero_points", f"zero_points must fit into 32 bits but one is {far}")

    def _scale_count(self) -> int:
        """How many scales there must be."""
        if self.group_size is not None:
            last = self.shape[-1] if self.shape else 1
            if self.axis is not None:
                raise BadArgument("axis", "axis and group_size must not both be given")
            if self.group_size < 1 or last % self.group_size:
                raise BadArgument(
                    "group_size",
                    f"group_size must divide the last dimension ({last}) but is {self.group_size}",
                )
            return self.values // self.group_size
        if self.axis is None:
            return 1
        if not 0 <= self.axis < len(self.shape):
            raise BadArgument(
                "axis", f"axis must be in 0 .. {len(self.shape) - 1} for this shape but is {self.axis}"
            )
        return self.shape[self.axis]

    @property
    def scale_exponents(self) -> tuple[int, ...] | None:
        """The exponent e of each scale where all are powers of two, 2**e; else None."""
        parts = [math.frexp(scale) for scale in self.scales or ()]
        if not parts or any(fraction != 0.5 for fraction, _ in parts):
            return None
        return tuple(exponent - 1 for _, exponent in parts)

    @property
    def values(self) -> int:
        """How many values there are."""
        return math.prod(self.shape)

    @property
    def words(self) -> int:
        """How many words there are: the depth of the memory."""
        return -(-self.values // self.values_per_word)

    @property
    def array_shape(self) -> tuple[int, ...]:
        """The shape of what is in the file: of the values, or of the words where these hold several."""
        if self.values_per_word > 1:
            return (self.words,)
        return (self.shape[0], *self.shape[2:], self.shape[1]) if self.channels_last else self.shape

    def described(self) -> dict[str, Any]:
        """All of it, with what follows from it (`DERIVED`), as it is stored."""
        return {name: getattr(self, name) for name in _ENTRIES}

    def to_json(self) -> str:
        """An entry a line."""
        entries = {_VERSION_KEY: VERSION, **self.described()}
        lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in entries.items())
        return f"{{\n{lines}\n}}\n"


def from_json(content: bytes) -> Manifest:
    """The manifest in a file's content.

    Raises:
        BadContent: it is none, or one that contradicts itself.
    """
    entries = json_object(content)
    if entries.pop(_VERSION_KEY, None) != VERSION:
        raise BadContent(f"is no manifest: {_VERSION_KEY} is not {VERSION}")
    return from_entries(entries)


def from_entries(entries: dict[str, Any]) -> Manifest:
    """The manifest that `Manifest.described` has told of.

    Raises:
        BadContent: an entry is missing, unknown, of the wrong type, or contradicts another.
    """
    known = _ENTRIES.keys()
    for name in [*(known - entries.keys()), *(entries.keys() - known)]:
        raise BadContent(f"has {'no' if name in known else 'an unknown'} entry {name}")
    arguments = {name: _read(entries[name], name, *rule) for name, rule in _ENTRIES.items() if rule}
    try:
        manifest = Manifest(**arguments)
    except BadArgument as error:
        raise BadContent(f"contradicts itself: {error}") from None
    for name in DERIVED:
        wanted = getattr(manifest, name)
        if entries[name] != (list(wanted) if isinstance(wanted, tuple) else wanted):
            raise BadContent(f"contradicts itself: {name} must be {json.dumps(wanted)}")
    return manifest


def json_object(content: bytes) -> dict[str, Any]:
    """The JSON object in a file's content.

    Raises:
        BadContent: there is none; with the line, where that is known.
    """
    try:
        entries = json.loads(content, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise BadContent(f"line {error.lineno}: no JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:  # no UTF-8, a number of thousands of digits, deep nesting
        raise BadContent(f"holds no JSON: {error}") from None
    if not isinstance(entries, dict):
        raise BadContent("holds no JSON object")
    return entries


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _is_integer(value: Any) -> bool:
    return type(value) is int


def _is_number(value: Any) -> bool:
    return type(value) is float or (type(value) is int and abs(value) <= 1 << 53)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool)


# By entry: what it must be, or what each element of a list must be; whether it is a list; whether it may be
# null. Those without a rule follow from others.
_ENTRIES: dict[str, tuple[Callable[[Any], bool], bool, bool] | None] = {
    "format": (_is_text, False, False),
    "shape": (_is_integer, True, False),
    "dtype": (_is_text, False, False),
    "words": None,
    "word_bits": None,
    "bits": (_is_integer, False, False),
    "signed": (_is_boolean, False, False),
    "values_per_word": (_is_integer, False, False),
    "byte_order": (_is_text, False, False),
    "order": (_is_text, False, False),
    "channels_last": (_is_boolean, False, False),
    "words_per_line": (_is_integer, False, True),
    "scales": (_is_number, True, True),
    "scale_exponents": None,
    "zero_points": (_is_integer, True, True),
    "axis": (_is_integer, False, True),
    "group_size": (_is_integer, False, True),
    "sha256": (_is_text, False, False),
}
DERIVED = tuple(name for name, rule in _ENTRIES.items() if rule is None)


def _read(value: Any, name: str, fits: Callable[[Any], bool], several: bool, nullable: bool) -> Any:
    if value is None and nullable:
        return None
    elements = value if several else [value]
    if not isinstance(elements, list) or not all(map(fits, elements)):
        raise BadContent(f"has a bad entry {name}")
    if fits is _is_number:
        elements = [float(element) for element in elements]
    return tuple(elements) if several else value


def check_shape(shape: tuple[int, ...], parameter: str) -> None:
    """Refuse a shape that no array can have; an empty one with a size that is too large, too.

    Args:
        parameter: what messages call it.

    Raises:
        BadArgument: more than 32 dimensions, a size below 0, or more than 2^40 values.
    """
    if len(shape) > _MOST_DIMS:
        text = f"{parameter} must have at most {_MOST_DIMS} dimensions but has {len(shape)}"
        raise BadArgument(parameter, text)
    if any(size < 0 for size in shape):
        raise BadArgument(parameter, f"{parameter} must be sizes of 0 or more but is {_listed(shape)}")
    if math.prod(size or 1 for size in shape) > _MOST_VALUES:
        text = f"{parameter} must have sizes whose product is at most 2**40 but is {_listed(shape)}"
        raise BadArgument(parameter, text)


def _listed(shape: tuple[int, ...]) -> str:
    return " ".join(map(str, shape))
