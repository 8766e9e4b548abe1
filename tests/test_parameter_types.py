"""Converters that are made of others: lists, dicts, and dicts with certain keys."""

from typing import Any, Literal, TypedDict

import pytest

from pybridge.annotations import Tensor, WidgetName
from pybridge.parameter_types import type_of
from tests.test_values import TENSOR, outcome, wrong_type


class Place(TypedDict):
    """What the tests read."""

    bits: int
    axis: int | None
    weight: Tensor


SCHEMES = tuple[Literal["affine", "symmetric"], ...]
WIDTHS = dict[str, list[int]]


def lacking(got: str, names: str, where: str = "") -> tuple[tuple[str, ...], str]:
    """The code and message for a `Place` without these keys."""
    code, message = wrong_type("a dict with bits, ?axis?, weight", got, where)
    return code, f"{message} (it lacks {names})"


@pytest.mark.parametrize(
    ("annotation", "word", "value"),
    [
        (list[int], "1 0x10 {-3}", [1, 16, -3]),
        (list[int], "", []),
        (list[str], "a {b c} -d", ["a", "b c", "-d"]),
        (tuple[float, ...], "1 .5 Inf", (1.0, 0.5, float("inf"))),
        (tuple[float, ...], (1, 0.5), (1.0, 0.5)),
        (SCHEMES, "symmetric affine symmetric", ("symmetric", "affine", "symmetric")),
        (WIDTHS, "a {1 2} {b c} {} d 3", {"a": [1, 2], "b c": [], "d": [3]}),
        (WIDTHS, "", {}),
        (list[list[bool]], "{1 no} on", [[True, False], [True]]),
        (WidgetName, ".f.plot", ".f.plot"),
    ],
)
def test_values(annotation: Any, word: Any, value: Any) -> None:
    assert outcome(annotation, word) == ("value", value)


def test_a_dict_with_certain_keys() -> None:
    kind, found = outcome(Place, "weight tensor0 axis {} more {un{balanced bits 4")
    assert kind == ("TORCH", "ARG", "TYPE", "axis")
    kind, found = outcome(Place, "weight tensor0 axis {} more 1 bits 4")
    assert kind == "value"
    assert isinstance(found, dict)
    assert list(found.items()) == [("bits", 4), ("axis", None), ("weight", TENSOR)]
    assert outcome(Place, "weight tensor0 axis -1 bits 4")[1]["axis"] == -1
    assert outcome(Place, "weight tensor0 bits 4")[1]["axis"] is None


@pytest.mark.parametrize(
    ("annotation", "word", "expected"),
    [
        (list[int], "1 x", wrong_type("integer", "x", " at index 1")),
        (WIDTHS, "a {1 x}", wrong_type("integer", "x", " in a at index 1")),
        (list[list[bool]], "1 {1 maybe}", wrong_type("boolean value", "maybe", " at index 1 at index 1")),
        (WIDTHS, "{two\nlines} x", wrong_type("integer", "x", " in two\\nlines at index 0")),
        (WIDTHS, "a", wrong_type("a dict, names and values in turn,", "a")),
        (list[int], "{1", wrong_type("a list (unmatched open brace in list)", "{1")),
        (Place, "axis {}", lacking("axis {}", "bits, weight")),
        (dict[str, Place], "fc {bits 4}", lacking("bits 4", "weight", " in fc")),
        (Place, "w 4", wrong_type("a dict with bits, ?axis?, weight", "w 4")),
        (
            dict[str, SCHEMES],
            "fc {affine odd}",
            (("TCL", "LOOKUP", "INDEX", "axis", "odd"), 'bad fc "odd" for axis: must be affine, symmetric'),
        ),
        (Place, "bits {} axis {} weight tensor0", wrong_type("integer", "", " in bits")),
        (
            Place,
            "bits 4 axis x weight tensor0",
            wrong_type("integer", "x", " in axis"),
        ),
        (
            Place,
            "bits 4 axis {} weight tensor9",
            (("TORCH", "HANDLE", "tensor9"), 'no such tensor "tensor9" (in weight)'),
        ),
        (
            dict[str, Tensor],
            "{} tensor9",
            (("TORCH", "HANDLE", "tensor9"), 'no such tensor "tensor9" (in {})'),
        ),
        (
            SCHEMES,
            "affine odd",
            (("TCL", "LOOKUP", "INDEX", "axis", "odd"), 'bad axis "odd": must be affine, symmetric'),
        ),
        (list[Tensor], "tensor0 -8", (("TORCH", "HANDLE", "-8"), 'no such tensor "-8" (at index 1)')),
        (WidgetName, "plot", wrong_type("window path", "plot")),
        (WidgetName, "", wrong_type("window path", "")),
    ],
)
def test_errors(annotation: Any, word: str, expected: Any) -> None:
    assert outcome(annotation, word) == expected


def test_nouns() -> None:
    nouns = {
        tuple[float, ...]: "list of floating-point number",
        SCHEMES: "list of affine, symmetric",
        WIDTHS: "dict of list of integer",
        list[Place]: "list of dict with bits, ?axis?, weight",
    }
    for annotation, noun in nouns.items():
        assert type_of(annotation).noun == noun
