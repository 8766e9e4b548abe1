"""The match modes `approx` and `tensor` against pytest.approx and torch.testing.assert_close."""

import numpy as np
import pytest
import torch

from pybridge import Interpreter, TclError
from tests.tcltest_suites import HEAD, outcomes, run, suite, write

pytest_plugins = ["pytester"]


@pytest.fixture(scope="module")
def match():
    """Compare: an empty string, or what the mode complains about."""
    with Interpreter() as tcl:
        tcl.eval("package require torch::tcltest")

        def compare(mode: str, expected: str, actual: str) -> str:
            live = tcl.eval("torch::handles")
            try:
                assert tcl.call(f"::torch::tcltest::{mode}", expected, actual) in (1, "1")
            except TclError as error:
                return error.message
            finally:
                assert tcl.eval("torch::handles") == live
            return ""

        compare.eval = tcl.eval  # type: ignore[attr-defined]
        yield compare


NUMBERS = [
    *(
        "0",
        "1",
        "-1",
        "1.000001",
        "1.0000011",
        "0.999999",
        "1e-12",
        "2e-12",
        "-1e-12",
        "1e300",
        "1.0000005e300",
    ),
    *("Inf", "-Inf", "inf", "123456789", "123456912", "123456913", "1e-320", "0x10", "16"),
]


def number(word: str) -> float:
    return float(int(word, 16)) if word.startswith("0x") else float(word)


def test_approx_agrees_with_pytest(match):
    for expected in NUMBERS:
        for actual in NUMBERS:
            close = number(actual) == pytest.approx(number(expected))
            assert (match("approx", expected, actual) == "") is bool(close), (expected, actual)


@pytest.mark.parametrize(
    ("options", "tolerances"),
    [
        ("-rtol 0.1", {"rel": 0.1}),
        ("-atol 0.5", {"abs": 0.5}),
        ("-atol 0", {"abs": 0}),
        ("-rtol 0.25 -atol 1", {"rel": 0.25, "abs": 1}),
        ("-atol 1 -rtol 0.25", {"rel": 0.25, "abs": 1}),
    ],
)
def test_approx_with_tolerances_agrees_with_pytest(match, options, tolerances):
    for expected in (0.0, 1e-13, 2.0, -8.0, 100.0):
        for off in (0.0, 1e-13, 1e-9, 0.25, 0.5, 0.75, 1.0, 2.0, 3.0, 30.0):
            actual = expected + off
            close = actual == pytest.approx(expected, **tolerances)
            complaint = match("approx", f"{expected} {options}", str(actual))
            assert (complaint == "") is bool(close), (expected, actual)


def test_approx_with_tolerances_of_lists(match):
    assert match("approx", "snr {33.5 {40 41}} -atol 1", "snr {33.9 {40.9 40}}") == ""
    complaint = match("approx", "snr {33.5 {40 41}} -atol 1", "snr {33.9 {40.9 42.5}}")
    assert complaint == "at index 1 1 1: got 42.5, expected 41 (off by 1.5, allowed 1)"
    assert match("approx", "read -atol 1", "read -atol 1") == ""  # the text itself
    assert match("approx", "-atol 1", "1") != ""
    refused = 'expected a number of 0 or more but got "-1" for -atol'
    assert match("approx", "33.5 -atol -1", "33.9") == refused
    assert match("approx", "33.5 -atol NaN", "33.9") == refused.replace("-1", "NaN")


def test_approx_of_integers_beyond_floats(match):
    huge = 10**400
    assert match("approx", str(huge), str(huge + huge // 10**7)) == ""
    assert match("approx", str(huge), str(huge + huge // 10**5)) != ""


@pytest.mark.parametrize(
    ("expected", "actual", "complaint"),
    [
        ("1 2 3", "1.0 2.0000001 3", ""),
        ("a {b {1 2}} c", "a {b {1.0000001 2}} c", ""),
        ("1  2", "1 2", ""),
        ("NaN 1", "-nan 1.0", ""),
        ("", "", ""),
        ("text with {odd", "text with {odd", ""),
        ("1", "", 'got "", expected "1"'),
        ("yes 1", "true 1", 'at index 0: got "true", expected "yes"'),
        ("NaN", "1", "got 1, expected NaN"),
        ("1", "Inf", "got Inf, expected 1"),
        ("1 2 3", "1 2", "got 2 elements, expected 3 elements"),
        ("1 {2 3}", "1 {2 4}", "at index 1 1: got 4, expected 3 (off by 1, allowed 3e-06)"),
        ("a {1 2}", "a b", 'at index 1: got "b", expected "1 2"'),
        ("text {odd", "text {even", 'got "text {even", expected "text {odd"'),
    ],
)
def test_approx_says_what_differs(match, expected, actual, complaint):
    assert match("approx", expected, actual) == complaint


DTYPES = ["float16", "bfloat16", "float32", "float64", "int32", "int64", "uint8", "bool"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_tensor_agrees_with_assert_close(match, dtype):
    """Around PyTorch's own tolerances, which depend on the dtype."""
    kind = getattr(torch, dtype)
    steps = [0, 1e-8, 1e-7, 3e-7, 1e-6, 3e-6, 8e-6, 2e-5, 1e-4, 1e-3, 2e-3, 1e-2, 3e-2, 1]
    checked = set()
    for base in (0.0, 1.0, 100.0):
        for step in steps:
            actual, expected = (
                torch.tensor(base + step * max(base, 1), dtype=kind),
                torch.tensor(base, dtype=kind),
            )
            try:
                torch.testing.assert_close(actual, expected)
                close = True
            except AssertionError:
                close = False
            value = actual.double().item()
            written = int(value) if not kind.is_floating_point else value
            handle = match.eval(f"set t [torch::tensor_create {written!r} -dtype {dtype}]")
            wanted = int(base > 0) if dtype == "bool" else int(base) if not kind.is_floating_point else base
            assert (match("tensor", f"{dtype} {{}} {wanted}", handle) == "") is close, (base, step)
            match.eval("torch::free $t")
            checked.add(close)
    assert checked == {True, False}


@pytest.mark.parametrize(
    ("made", "expected", "complaint"),
    [
        ("{{1 2} {3 4}}", "float32 {2 2} {1 2 3 4}", ""),
        ("{{1 2} {3 4}}", "float32 {2 2} {{1 2} {3 4}}", ""),
        ("{{1 2} {3 4}}", "float {2  2} {1 2 3 4}", ""),
        ("{1 2} {2 1}", "float32 {2 1} {1 2}", ""),
        ("{} {0}", "float32 0 {}", ""),
        ("{Inf -Inf NaN}", "float32 3 {Inf -Inf NaN}", ""),
        ("0.1", "float32 {} 0.1 -rtol 0 -atol 0", ""),
        ("9007199254740993 int64", "int64 {} 9007199254740993", ""),
        ("{1 2.5}", "float32 2 {1 2} -atol 0.5", ""),
        ("9007199254740993 int64", "int64 {} 9007199254740992",
         "got 9007199254740993, expected 9007199254740992 (off by 1, allowed 0); 1 of 1 element differs"),
        ("{1 2}", "float64 2 {1 2}", "the dtype is float32, expected float64"),
        ("{1 2}", "float32 {2 1} {1 2}", "the shape is 2, expected {2 1}"),
        ("1", "float32 1 1", "the shape is {}, expected 1"),
        ("{1 2}", "int8 3 {1 2 3}", "the dtype is float32, expected int8; the shape is 2, expected 3"),
        ("{1 2}", "flot32 2 {1 2}",
         'in the expected result: expected dtype but got "flot32" for dtype (did you mean float32?)'),
        ("{1 NaN}", "float32 2 {1 2}", "at index 1: got NaN, expected 2.0; 1 of 2 elements differs"),
        ("{{1 2} {3 5}}", "float32 {2 2} {1 3 3 4}",
         "at index 0 1: got 2.0, expected 3.0 (off by 1, allowed 1.39e-05); 2 of 4 elements differ"),
        ("{1 2}", "float32 2 {1 2 3}", "the expected values are 3 elements, but the tensor has 2"),
        ("{{1 2 3} {4 5 6}}", "float32 {2 3} {{1 2} {3 4} {5 6}}",
         "the expected values are 3 elements, but the shape {2 3} has 2 there"),
        ("{{1 2 3} {4 5 6}}", "float32 {2 3} {{1 2 3 4 5} 6}",
         "at index 0: the expected values are 5 elements, but the shape {2 3} has 3 there"),
        ("{{1 2 3} {4 5 6}}", "float32 {2 3} {{1 2 {3 4}} {4 5 6}}",
         "at index 0 2: the expected values are nested deeper than the shape {2 3}"),
        ("{1 2}", "float32 2 {{1 2}}", "the expected values are 1 element, but the shape 2 has 2 there"),
        ("{1 2} {1 2 1}", "float32 {1 2 1} {{{1} {2}}}", ""),
        ("{} {2 0}", "float32 {2 0} {{} {}}", ""),
        ("{2 7} int32", "int32 2 {2.9 7.6}",
         "the expected value 2.9 is not an integer, but the tensor is int32"),
        ("{2 7} int32", "int32 2 {2 4294967303}",
         "at index 1: got 7, expected 4294967303 (off by 4.29e+09, allowed 0); 1 of 2 elements differs"),
        ("{1 0} bool", "bool 2 {true no}", ""),
        ("{1 1} bool", "bool 2 {1 5}", "the expected value 5 is not a boolean, but the tensor is bool"),
        ("1 bool", "bool {} nan", "the expected value nan is not a boolean, but the tensor is bool"),
        ("Inf float16", "float16 {} 70000", "the expected value 70000 is too large for float16"),
        ("-Inf float32", "float32 {} -1e39", "the expected value -1e39 is too large for float32"),
        ("{1 2}", "float32 2",
         '-result must be "dtype shape values ?-rtol r? ?-atol a?" but is "float32 2"'),
        ("{1 2}", "float32 2 {1 2} -tol 1", 'bad option "-tol": must be -rtol or -atol'),
        ("{1 2}", "float32 2 {1 2} -rtol", 'missing value for option "-rtol"'),
        ("{1 2}", "float32 2 {1 2} -rtol -1", 'expected a number of 0 or more but got "-1" for -rtol'),
    ],
)  # fmt: skip
def test_tensor_says_what_differs(match, made, expected, complaint):
    handle = match.eval(f"set t [torch::tensor_create {made}]")
    assert match("tensor", expected, handle).split("\n")[0] == complaint
    match.eval("torch::free $t")


def test_tensor_shows_the_tensor_in_short(match):
    handle = match.eval("set t [torch::tensor_add [torch::ones {100 100}] 0.1]")
    assert match("tensor", f"float32 {{100 100}} {{{'2 ' * 10_000}}}", handle).split("\n") == [
        "at index 0 0: got 1.1, expected 2.0 (off by 0.9, allowed 1.26e-05); 10000 of 10000 elements differ",
        "the tensor is float32 [100, 100]  mean 1.1 std 0",
        *(f"  [{row}]   {'1.1000  ' * 4}...{'  1.1000' * 4}" for row in (0, 1, 2)),
        "  ...",
        *(f"  [{row}]  {'1.1000  ' * 4}...{'  1.1000' * 4}" for row in (97, 98, 99)),
    ]
    assert match("tensor", "float32 {2 100} {}", handle).split("\n")[:2] == [
        "the shape is {100 100}, expected {2 100}",
        "the tensor is float32 [100, 100]  mean 1.1 std 0",
    ]
    match.eval("torch::free $t")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_tensor_writes_no_more_digits_than_tell_a_number(match, dtype):
    """For a float32 NumPy writes the shortest text; what the shorter types hold is a float32, too."""
    dice = torch.Generator().manual_seed(1)
    values = [0.1, -2.1, 1 / 3, 1e-5, 16777.217, 0.0, 3.0, *torch.randn(40, generator=dice).tolist()]
    for value in torch.tensor(values, dtype=getattr(torch, dtype)).double().tolist():
        written = match.eval(f"torch::tcltest::written {value!r} {dtype}")
        if dtype == "float64":
            assert written == repr(value)
        else:
            shortest = str(np.float32(value))
            assert float(written) == float(shortest), (value, written)
            assert len(written) <= len(shortest) + len("e-05")


def test_tensor_names_a_result_that_is_none(match):
    told = 'no such tensor "1 2" (torch::tensor_create makes one of numbers)'
    assert match("tensor", "float32 2 {1 2}", "1 2") == told


def test_version_is_the_packages(match):
    assert match.eval("package require torch::tcltest") == match.eval("package require torch")


MODES = """
    test m-1 {approx} -body {expr {0.1 + 0.2}} -match approx -result 0.3
    test m-2 {approx, wrong} -body {list 1 2} -match approx -result {1 3}
"""
TENSORS = """
    test m-3 {tensor} -setup {set t [torch::full {2 2} 0.5]} -body {set t} -cleanup {torch::free $t} \\
        -match tensor -result {float32 {2 2} {0.5 0.5 0.5 0.5}}
    test m-4 {tensor, wrong} -setup {set t [torch::full 2 0.5]} -body {set t} -cleanup {torch::free $t} \\
        -match tensor -result {float32 2 {0.5 0.75}}
"""


def test_modes_are_there_in_every_suite(pytester):
    write(pytester, plain=suite(MODES))
    assert outcomes(run(pytester)) == (1, 0, 1)
    write(pytester, plain=suite(MODES + TENSORS))
    result = run(pytester, "--tcltest-strict-leaks", interpreter="tcltorch")
    assert outcomes(result) == (2, 0, 2)
    result.stdout.fnmatch_lines(
        [
            "E   result does not match: at index 1: got 2, expected 3 (off by 1, allowed 3e-06)",
            "E   result was: 1 2",
            "E   result should have been (approx matching): 1 3",
            "E   result does not match: at index 1: got 0.5, expected 0.75 *; 1 of 2 elements differs",
            "E   the tensor is float32 [[]2]  mean 0.5 std 0",
            "E     0.5000  0.5000",
            "E   result should have been (tensor matching): float32 2 {0.5 0.75}",
            "FAILED plain.test::m-4 - at index 1: got 0.5, expected 0.75 (off by 0.25*",
        ]
    )


def test_modes_without_pytest(pytester, tmp_path):
    text = HEAD + "package require torch::tcltest\n" + MODES + TENSORS + "cleanupTests\n"
    (tmp_path / "alone.test").write_text(text)
    with Interpreter() as tcl:
        tcl.call("cd", str(tmp_path))
        tcl.eval("package require tcltest; tcltest::configure -outfile out.txt")
        tcl.run_file(tmp_path / "alone.test")
    printed = (tmp_path / "out.txt").read_text()
    assert "Total\t4\tPassed\t2\tSkipped\t0\tFailed\t2" in printed
    assert "---- Error testing result: at index 1: got 2, expected 3 (off by 1, allowed 3e-06)\n" in printed
