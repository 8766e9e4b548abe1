"""Tensors as people read them: in a line, or with the elements at the edges; never all of a large one."""

from collections.abc import Iterator
from math import isfinite
from typing import Any

from pybridge.lazy import torch
from pybridge.names import dtype_name

_MOST_ELEMENTS = 1_000_000  # more take longer to look at than an answer should take
_SMALL = 1e-150
_MOST_ROWS = 100  # lines, however many dimensions there are
_MOST_COLUMNS = 40
_WIDTH = 80
_ELLIPSIS = "..."

Row = tuple[tuple[int, ...], list[Any]] | None  # index and elements, None among them for those left out


def summary(value: Any, statistics: bool = True) -> str:
    """What is behind a handle, in a line: `float32 [64, 384]  mean 0.01 std 0.05`.

    Args:
        value: a tensor, or what another kind of handle names.
        statistics: of up to a million elements also mean and standard deviation (the sample's, as
            `torch.std`), of integers the least and the greatest.

    Returns:
        Where PyTorch refuses, why: that must hide neither what a command has made nor other handles.
    """
    try:
        return "  ".join(_facts(value, statistics))
    except Exception as error:
        return f"({str(error).partition(chr(10))[0] or type(error).__name__})"


def _facts(value: Any, statistics: bool) -> list[str]:
    if not isinstance(value, torch.Tensor):
        return [str(getattr(value, "summary", "") or getattr(value, "handle_kind", type(value).__name__))]
    facts = [f"{dtype_name(value.dtype)} {list(value.shape)}"]
    if value.layout is not torch.strided:
        facts.append(str(value.layout).removeprefix("torch."))
    if value.device.type != "cpu":
        facts.append(str(value.device))
    if value.requires_grad:
        facts.append("requires_grad")
    return [*facts, *(_statistics(value) if statistics else [])]


def table(value: Any, rows: int, digits: int) -> str:
    """The elements of a tensor, a line for each row of its last dimension, and first the line of `summary`.

    Args:
        rows: how many indices of each dimension are shown, half of them from its end; 100 at most.
        digits: after the decimal point.
    """
    most = min(rows, _MOST_ROWS)
    found = list(_once(_limited(_rows(value.detach(), most)))) if _has_elements(value) else []
    numbers = [element for row in found if row for element in row[1] if element is not None]
    spell = _speller(numbers, digits)
    width = max((len(spell(number)) for number in numbers), default=0)
    labels = [f"[{', '.join(map(str, row[0]))}]" if row and row[0] else "" for row in found]
    margin = max(map(len, labels), default=0)
    lines = [summary(value)]
    for label, row in zip(labels, found, strict=True):
        if row is None:
            lines.append(_ELLIPSIS)
            continue
        words = [_ELLIPSIS if each is None else spell(each).rjust(width) for each in row[1]]
        start = f"{label.ljust(margin)}  " if margin else ""
        lines.append((start + "  ".join(_fitted(words, _WIDTH - len(start)))).rstrip())
    return "\n".join(lines)


def _has_elements(tensor: Any) -> bool:
    """Whether there are elements to look at one by one: not so on the meta device or in a sparse tensor."""
    return bool(tensor.layout is torch.strided and not tensor.is_meta and tensor.numel())


def _statistics(tensor: Any) -> list[str]:
    if not _has_elements(tensor) or tensor.numel() > _MOST_ELEMENTS:
        return []
    with torch.no_grad():
        plain = _readable(tensor)
        if plain.numel() == 1:
            return [_short(plain.item())]
        if plain.is_complex():
            return []
        if plain.dtype is torch.bool:
            return [f"{int(plain.sum())} of {plain.numel()} true"]
        if not plain.is_floating_point():
            numbers = plain.flatten().tolist()  # PyTorch has no min for uint16, uint32 and uint64
            return [f"min {min(numbers)} max {max(numbers)}"]
        finite = plain[plain.isfinite()].to(torch.float64)
        odd = plain.numel() - finite.numel()
        scale = _scale(finite)
        facts = [f"mean {_short((finite / scale).mean().item() * scale)}"] if finite.numel() else []
        if finite.numel() > 1:
            facts = [f"{facts[0]} std {_short((finite / scale).std().item() * scale)}"]
        return [*facts, *([f"{odd} not finite"] if odd else [])]


def _scale(numbers: Any) -> float:
    """What to divide by, so that no sum of squares overflows or vanishes; 1 for most."""
    largest = float(numbers.abs().max()) if numbers.numel() else 0.0
    return largest if largest and not _SMALL < largest < 1 / _SMALL else 1.0


def _readable(tensor: Any) -> Any:
    """The tensor outside autograd, and no quantized or eight-bit float, for which little is implemented."""
    plain = tensor.detach()
    if plain.is_quantized:
        return plain.dequantize()
    return plain.to(torch.float32) if plain.is_floating_point() and plain.itemsize == 1 else plain


def _short(number: Any) -> str:
    return str(int(number)) if isinstance(number, bool | int) else f"{number:.4g}"


def _rows(tensor: Any, most: int, index: tuple[int, ...] = ()) -> Iterator[Row]:
    if tensor.dim() == 0:
        yield index, [tensor.item()]
        return
    shown = _edges(tensor.shape[0], most if tensor.dim() > 1 else _MOST_COLUMNS)
    if tensor.dim() == 1:
        yield index, [None if each is None else tensor[each].item() for each in shown]
        return
    for each in shown:
        if each is None:
            yield None
        else:
            yield from _rows(tensor[each], most, (*index, each))


def _limited(rows: Iterator[Row]) -> Iterator[Row]:
    for number, row in enumerate(rows):
        if number > _MOST_ROWS:  # as many, and an ellipsis between them
            yield None
            return
        yield row


def _edges(size: int, most: int) -> list[int | None]:
    """Indices of a dimension; None stands for those left out."""
    if size <= most:
        return list(range(size))
    last = most // 2
    return [*range(most - last), None, *range(size - last, size)]


def _once(rows: Iterator[Row]) -> Iterator[Row]:
    """One ellipsis for several dimensions whose rest is left out at the same place."""
    before: Row = ((), [])
    for row in rows:
        if row is not None or before is not None:
            yield row
        before = row


def _speller(numbers: list[Any], digits: int) -> Any:
    """How all these numbers are written: integers whole, others with a fixed or a scientific point."""
    if all(isinstance(number, bool | int) for number in numbers):
        return lambda number: str(int(number))
    if any(isinstance(number, complex) for number in numbers):
        return lambda number: f"{number:.{digits}g}"
    sizes = [abs(number) for number in numbers if isfinite(number) and number]
    plain = not sizes or min(1.0, 10.0 ** (1 - digits)) <= max(sizes) < 1e6
    return lambda number: f"{number:.{digits}{'f' if plain else 'e'}}"


def _fitted(words: list[str], width: int) -> list[str]:
    """As many of the words from both ends as fit into a line."""
    size = sum(map(len, words)) + 2 * (len(words) - 1)
    if size <= width:
        return words
    words = [word for word in words if word != _ELLIPSIS]
    half = max(1, (width - len(_ELLIPSIS) - 2) // (max(map(len, words)) + 2) // 2)
    return [*words[:half], _ELLIPSIS, *words[-half:]]
