"""What the pytest plugin says about a test: failures, skips, output, leaks; and its options."""

import fnmatch
import random
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from pybridge.tcl_package import tcl_package
from pybridge.tcltest import lines, trace
from pybridge.tcltest.difference import mismatch
from tests.tcltest_suites import CORPUS, END, FAKE_HANDLES, HEAD, outcomes, run, status_of, suite, write

pytest_plugins = ["pytester"]

TENSORS = "package require torch\n" + HEAD


def section(result: pytest.RunResult, title: str) -> str:
    """The part of the failures that is about one test."""
    lines = result.outlines
    start = next(number for number, line in enumerate(lines) if line.strip("_ ") == title)
    ends = (
        number for number, line in enumerate(lines) if number > start and line.startswith(("____", "===="))
    )
    return "\n".join(lines[start + 1 : next(ends)]).strip("\n")


# -- failures --------------------------------------------------------------------------------------------


FAILURES = """
test f-1 {a result} -body {
    set x 1
    incr x
} -result 3
test f-2 {an error} -body {
    expr {1 + $nothing}
} -result 3
test f-3 {an error code} -body {throw {A B} no} -errorCode {C *} -result no
test f-4 {no error} -body {list 1} -returnCodes error -result 1
test f-5 {set-up} -setup {error "no room"} -body {list 1} -result 1
test f-6 {clean-up} -body {list 1} -cleanup {error "no way"} -result 1
test f-7 {output and result} -body {puts one; list 2} -output "two\\n" -result 1
test f-8 {a pattern} -body {list abc} -match glob -result x*
test f-9 {} -body {return -level 0 -code 7 odd} -result 1
"""


def test_a_failure_shows_what_tcltest_knows(pytester):
    write(pytester, failures=suite(FAILURES))
    result = run(pytester)
    assert outcomes(result) == (0, 0, 9)
    assert section(result, "f-1 a result") == (
        "    set x 1\n    incr x\n\nE   result was: 2\nE   result should have been: 3\n\nfailures.test:4: f-1"
    )
    error = section(result, "f-2 an error")
    assert error.startswith('    expr {1 + $nothing}\n\nE   error: can\'t read "nothing": no such variable\n')
    assert "\nE   return code was error (1), should have been ok or return (0 2)\n" in error
    assert error.endswith(
        'errorInfo (body):\n    can\'t read "nothing": no such variable\n        while executing\n'
        '    "expr {1 + $nothing}"\n        (body line 2, failures.test:9)\n'
        "errorCode (body): TCL LOOKUP VARNAME nothing\n\nfailures.test:8: f-2"
    )
    code = "E   error code was: A B\nE   error code should have been (glob matching): C *\n"
    assert code in section(result, "f-3 an error code")
    assert section(result, "f-4 no error").startswith(
        "    list 1\n\nE   return code was ok (0), should have been error (1)\nE   result was: 1\n"
    )
    assert "E   setup failed: no room\n\nerrorInfo (setup):" in section(result, "f-5 set-up")
    assert "E   cleanup failed: no way\n\nerrorInfo (cleanup):" in section(result, "f-6 clean-up")
    both = section(result, "f-7 output and result")
    assert "E   result was: 2\nE   result should have been: 1\n" in both
    assert "E   output differs at line 1: got one, expected two\nE   - expected, + got:\nE     - two" in both
    assert "E   result was: abc\nE   result should have been (glob matching): x*\n" in section(
        result, "f-8 a pattern"
    )
    assert (
        "\n\nE   return code was 7 (7), should have been ok or return (0 2)\nE   result was: odd\n"
        in section(result, "f-9 (no description)")
    )
    assert "==== f-" not in result.stdout.str()  # tcltest's own report
    result.stdout.fnmatch_lines(
        [
            "FAILED failures.test::f-1 - got 2, expected 3",
            "FAILED failures.test::f-2 - error: can't *",
            "FAILED failures.test::f-3 - error code: got A B, expected C [*] (glob matching)",
            "FAILED failures.test::f-4 - return code was ok (0), should have been error (1)",
            "FAILED failures.test::f-5 - setup failed: no room",
            "FAILED failures.test::f-6 - cleanup failed: no way",
            "FAILED failures.test::f-7 - got 2, expected 1",
            "FAILED failures.test::f-8 - got abc, expected x[*] (glob matching)",
        ]
    )


def test_a_test_that_ends_the_process_shows_its_body(pytester):
    write(pytester, a=suite("test a-1 {dies} -body {set x 7; exit 3} -result 7\ntest a-2 {later} {expr 1} 1"))
    result = run(pytester)
    lines = [line for line in result.outlines if "warnings" not in line]
    (start,) = (place for place, line in enumerate(lines) if "_ a-1 dies _" in line)
    assert lines[start + 1 : start + 4] == [
        "    set x 7; exit 3",
        "",
        "E   the process ended with status 3 while this test ran",
    ]
    (start,) = (place for place, line in enumerate(lines) if "_ a-2 later _" in line)
    assert lines[start + 1].startswith("E   not run: the process ended with status 3 while a-1 ran")


def test_many_short_lines_are_compared():
    """difflib would take half a minute to look for marks below these."""
    told = lines.line_diff([f"a{number}" for number in range(500)], [f"b{number}" for number in range(500)])
    assert told[:2] == ["@@ -1,500 +1,500 @@", "-a0"]
    assert len(told) == 1 + 500 + 500


def test_the_line_of_a_script_is_not_that_of_another_word():
    text = ["set v {error x}", "test a-1 {error x} -body $v", "test a-2 {old style} {", "    error x", "} {}"]
    new, old = trace.Command("", 2, 0), trace.Command("", 3, 2)
    assert trace.line_in_file(text, new, "body", "error x", 1) == 0
    assert trace.line_in_file(text, old, "body", "error x", 1) == 4


def test_output_shown_at_once_where_the_terminal_lacks_letters(pytester, monkeypatch):
    write(pytester, a=suite('test a-1 {} {puts "caf\\u00e9"} {}'))
    for name, value in {
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "LC_ALL": "C",
        "PYTHONIOENCODING": "ascii",
    }.items():
        monkeypatch.setenv(name, value)
    result = pytester.runpytest_subprocess("-s", "-p", "no:cacheprovider", "--tcltest-interpreter=tclsh")
    assert result.parseoutcomes() == {"passed": 1}
    result.stdout.fnmatch_lines(["*caf\\ufffd*"])


def test_very_many_lines_are_compared():
    """difflib would take minutes for these."""
    wanted = [f"line {number}" for number in range(100_000)]
    got = [line + "x" if number % 7 == 6 else line for number, line in enumerate(wanted)]
    told = list(mismatch("result", "exact", "\n".join(wanted), "\n".join(got), "", whole=False))
    assert told[:4] == [
        "result differs at line 7: got line 6x, expected line 6",
        *("- expected, + got:", "  @@ -4,99995 +4,99995 @@", "   line 3"),
    ]
    assert len(told) == 2 + 200 + 1
    lines_told = (
        1 + 99_995 + 14_285
    )  # the range, the lines around and with differences, and those in their place
    assert told[-1] == f"  ... ({lines_told - 200} more lines; -vv shows all)"
    told = list(mismatch("result", "exact", "\n".join(wanted[:9]), "\n".join(got[:9]), "", whole=True))
    assert "  - line 6" in told
    assert "  + line 6x" in told


def test_the_difference_of_many_lines_is_all_there_is():
    wanted = [f"line {number}" for number in range(1, 60_001)]
    lacking = list(mismatch("result", "exact", "\n".join(wanted), "\n".join(wanted[1:]), "", whole=True))
    assert lacking[2:] == ["  @@ -1,4 +1,3 @@", "  -line 1", "   line 2", "   line 3", "   line 4"]
    got = [*wanted[:25_000], "x", *wanted[25_001:40_000], "y", "z", *wanted[40_000:]]
    two = list(mismatch("result", "exact", "\n".join(wanted), "\n".join(got), "", whole=False))
    assert two[0] == "result differs at line 25001: got x, expected line 25001"
    assert two[2:] == [
        *("  @@ -24998,7 +24998,7 @@", "   line 24998", "   line 24999", "   line 25000"),
        *("  -line 25001", "  +x", "   line 25002", "   line 25003", "   line 25004"),
        *("  @@ -39998,6 +39998,8 @@", "   line 39998", "   line 39999", "   line 40000"),
        *("  +y", "  +z", "   line 40001", "   line 40002", "   line 40003"),
    ]


@pytest.mark.parametrize("closely", [3, 500])
def test_long_texts_differ_as_diff_would_say(monkeypatch, closely):
    """Whoever applies the difference gets the text that came, be it cut where no line is there once."""
    monkeypatch.setattr(lines, "_COMPARED_CLOSELY", closely)
    monkeypatch.setattr(lines, "_SHOWN_WHOLE", -1)
    dice = random.Random(closely)
    for _ in range(500):
        kinds = dice.choice([2, 5, 30])
        wanted = [str(dice.randrange(kinds)) for _ in range(dice.randrange(60))]
        got = wanted[:]
        for _ in range(dice.randrange(8)):
            place = dice.randrange(len(got) + 1)
            got[place : place + dice.randrange(2)] = [str(dice.randrange(kinds))] * dice.randrange(3)
        assert applied(lines.line_diff(wanted, got), wanted) == got


def applied(difference: list[str], text: list[str]) -> list[str]:
    """The text that a difference makes of this one, as the program `patch` would."""
    made = list[str]()
    place = 0
    for line in difference:
        if hunk := re.fullmatch(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", line):
            begin = int(hunk[1]) - (hunk[2] != "0")
            made += text[place:begin]
            place = begin
            assert len(made) == int(hunk[3]) - (hunk[4] != "0")
            continue
        if line[0] in " -":
            assert text[place] == line[1:]
            place += 1
        made += [line[1:]] if line[0] in " +" else []
    return made + text[place:]


def test_the_end_of_the_last_line_is_no_line(pytester):
    write(pytester, a=suite('test a-1 {} -body {puts a; puts b} -output "a\\n\\nc\\n"'))
    result = run(pytester, "--color=yes")
    seen = [line for line in result.outlines if line.startswith("\x1b[31m\x1b[1mE")]
    assert [re.sub(r"\x1b\[\d*m", "", line) for line in seen][-5:] == [
        *("E   - expected, + got:", "E       a", "E     + b", "E     -", "E     - c"),
    ]
    told = list(mismatch("output", "exact", "a\nb\n", "a\n", "", whole=False))
    assert told[0] == "output differs in length: 1 line, expected 2"


def test_an_empty_line_and_one_of_quotes_are_told_apart():
    told = list(mismatch("result", "exact", '""\na', "\na", "", whole=False))
    assert told[0] == 'result differs at line 1: got "", expected "\\"\\""'


def test_long_results_are_compared_line_by_line_or_element_by_element(pytester):
    write(
        pytester,
        long=suite(
            """
            test l-1 {lines} -body {return "a\\nb\\nc"} -result "a\\nx\\nc\\nd"
            test l-2 {elements} -body {lrepeat 40 7} -result [list {*}[lrepeat 30 7] 8 {*}[lrepeat 9 7]]
            test l-3 {length} -body {lrepeat 40 7} -result [lrepeat 41 7]
            test l-4 {characters} -body {string repeat - 99} -result [string repeat - 70]+
            test l-6 {} -body {string repeat abc 500} -result [string repeat abc 499]abd[string repeat - 9]
            test l-7 {glob} -body {string repeat abc 500} -match glob -result [string repeat b 201]*
            test l-5 {huge} -body {string repeat "line\\n" 5000} -result [string repeat "Line\\n" 5000]
            """
        ),
    )
    result = run(pytester)
    assert "E     - x\nE     + b\nE       c\nE     - d\n" in section(result, "l-1 lines")
    assert "E   result differs at element 30: got 7, expected 8\n" in section(result, "l-2 elements")
    assert "E   result differs in length: 40 elements, expected 41\n" in section(result, "l-3 length")
    around = f"got ...{'-' * 30}..., expected ...{'-' * 10}+\n"
    assert f"E   result differs at character 70: {around}" in section(result, "l-4 characters")
    before = ("abc" * 23)[2:-1]
    assert section(result, "l-6 (no description)").split("\n")[3:7] == [
        *("E   result was (1500 characters; -vv shows all):", f"E     ...{before}c"),
        *("E   result should have been (1509 characters; -vv shows all):", f"E     ...{before}d---------"),
    ]
    assert f"(glob matching) (202 characters; -vv shows all):\nE     {'b' * 133}..." in section(
        result, "l-7 glob"
    )
    huge = section(result, "l-5 huge")
    assert "more lines; -vv shows all" in huge
    assert huge.count("\n") < 250
    assert section(run(pytester, "-vv", "-k", "l-5"), "l-5 huge").count("\n") > 10_000


def test_what_differs_without_being_seen_is_told_and_quoted(pytester):
    """The values by hand; \\u2212 is a minus sign, \\u0301 an accent on the e before it."""
    write(
        pytester,
        unseen=suite(
            r"""
            test u-1 {blank} -body {return "a "} -result a
            test u-2 {tab} -body {return "a\tb"} -result "a b"
            test u-3 {no-break space} -body {return "a\u00a0\"b"} -result "a \"b"
            test u-4 {zero width} -body {return ab} -result "a\u200bb"
            test u-5 {micro} -body {return 5\u03bcm} -result 5\u00b5m
            test u-6 {accent} -body {return e\u0301} -result \u00e9
            test u-7 {minus} -body {return -1} -result \u22121
            test u-8 {empty} -body {return " "} -result {}
            test u-9 {long} -body {return "[string repeat x 70] y"} -result "[string repeat x 70]  y"
            test u-10 {glob} -body {return "abc\n"} -match glob -result ab?
            test u-11 {regexp} -body {return "12 "} -match regexp -result {^\d+$}
            test u-12 {error code} -body {throw {A B} x} -returnCodes 1 -errorCode {A B } -result x
            test u-13 {lines} -body {return "  a\nb \n"} -match regexp -result "^  a\nb\n"
            test u-14 {seen} -body {return " 1\u00a0\u00b5m "} -result 2
            """
        ),
    )
    result = run(pytester)
    spaces, look = "differs only in white space", "differs only in characters that do not show or look alike"
    for title, what, *values in (
        ("u-1 blank", f"E   result {spaces}\n", '"a "', '"a"'),
        ("u-2 tab", f"E   result {spaces}\n", r'"a\tb"', '"a b"'),
        ("u-3 no-break space", f"E   result {spaces}\n", r'"a\xa0\"b"', r'"a \"b"'),
        ("u-4 zero width", f"E   result {look}\n", '"ab"', r'"a\u200bb"'),
        ("u-5 micro", f"E   result {look}\n", '"5μm"', r'"5\xb5m"'),
        ("u-6 accent", f"E   result {look}\n", r'"e\u0301"', '"é"'),
        ("u-7 minus", f"E   result {look}\n", '"-1"', r'"\u22121"'),
        ("u-8 empty", f"E   result {spaces}\n", '" "', '""'),
        ("u-14 seen", "", " 1\u00a0µm", "2"),
    ):
        was, wanted = (
            f"E   result {verb}: {text}\n"
            for verb, text in zip(("was", "should have been"), values, strict=True)
        )
        assert f"\n\n{what}{was}{wanted}\n" in section(result, title)
    long = 'at character 71 in white space: got "...xxxxxxxxx y", expected "...xxxxxxxxx  y"\n'
    assert f'E   result differs {long}E   result was:\nE     "{"x" * 70} y"\n' in section(result, "u-9 long")
    glob = 'E   result was: "abc\\n"\nE   result should have been (glob matching): ab?\n'
    assert f"\n\n{glob}" in section(result, "u-10 glob")
    assert 'E   result was: "12 "\n' in section(result, "u-11 regexp")
    code = 'E   error code was: "A B"\nE   error code should have been (glob matching): "A B "\n'
    assert f"E   error code {spaces}\n{code}" in section(result, "u-12 error code")
    lines = 'E   result was:\nE       a\nE     "b "\nE\nE   result should have been (regexp matching):\n'
    assert lines in section(result, "u-13 lines")
    result.stdout.fnmatch_lines(
        [
            'FAILED unseen.test::u-1 - got "a ", expected "a"',
            'FAILED unseen.test::u-12 - error code: got "A B", expected "A B " (glob match*',
            'FAILED unseen.test::u-14 - got " 1\\xa0\\xb5m ", expected 2',
        ]
    )


def test_lines_that_look_the_same_are_quoted(pytester):
    write(
        pytester,
        lines=suite(
            r"""
            test l-1 {blanks} -body {return "a\nb  \n\tc\nd\ne"} -result "a\nb\n        c\nx\ne"
            test l-2 {carriage returns} -body {return "a\r\nb"} -result "a\nb"
            test l-3 {no last newline} -body {return "a\nb"} -result "a\nb\n"
            test l-4 {too many} -body {return "a\n\n\n"} -result a
            test l-5 {an empty line} -body {return "a\n\nb"} -result "a\n  \nb"
            test l-6 {indented} -body {return "if\n  end"} -result "if\n    end"
            test l-7 {a long line} -body {return "a\n[string repeat x 70]y"} -result "a\n[string repeat x 71]"
            test l-8 {output} -body {puts -nonewline a; list} -output "a\n"
            """
        ),
    )
    result = run(pytester)
    blanks = section(result, "l-1 blanks")
    assert 'E   result differs at line 2 in white space: got "b  ", expected "b"\n' in blanks
    seen = [line for line in blanks.split("\n") if line.startswith("E     ") and "?" not in line]
    assert [line[6:] for line in seen] == [
        *("  a", '- "b"', '+ "b  "', '- "        c"'),
        *("- x", r'+ "\tc"', "+ d", "  e"),
    ]
    returns = section(result, "l-2 carriage returns")
    assert 'E   result differs at line 1 in white space: got "a\\r", expected "a"\n' in returns
    assert 'E     - "a"\nE     + "a\\r"\n' in returns
    missing = "E   result differs at its end: got no newline, expected 1 newline\nE   - expected, + got:\n"
    assert missing in section(result, "l-3 no last newline")
    many = "E   result differs at its end: got 3 newlines, expected no newline\n"
    assert many in section(result, "l-4 too many")
    empty = 'E   result differs at line 2 in white space: got "", expected "  "\n'
    assert empty in section(result, "l-5 an empty line")
    indented = section(result, "l-6 indented")
    assert "E     -     end\n" in indented
    assert "E     +   end\n" in indented
    long = f"at line 2, at character 70: got ...{'x' * 10}y, expected ...{'x' * 11}\n"
    assert f"E   result differs {long}" in section(result, "l-7 a long line")
    assert "E   output differs at its end: got no newline, expected 1 newline\n" in section(
        result, "l-8 output"
    )


def test_control_characters_do_not_reach_the_terminal(pytester):
    write(
        pytester,
        control=suite(
            r"""
            test c-1 {result} -body {return "a\x1b\[31mb\x00c"} -result {a\x1b[31mb}
            test c-2 {error} -body {error "\x1b\[31mred"}
            test c-3 {lines} -body {return "a\nb\x07"} -result "a\nb"
            """
        ),
    )
    result = run(pytester)
    quoted = (
        r'E   result was: "a\x1b[31mb\x00c"' + "\n" + r'E   result should have been: "a\\x1b[31mb"' + "\n"
    )
    assert f"\n\n{quoted}" in section(result, "c-1 result")
    error = section(result, "c-2 error")
    assert r"E   error: \x1b[31mred" in error
    assert r"    \x1b[31mred" in error.partition("errorInfo")[2]
    assert r'E     + "b\x07"' in section(result, "c-3 lines")
    assert "\x1b" not in str(result.stdout)
    result.stdout.fnmatch_lines([r"FAILED control.test::c-2 - error: \x1b[[]31mred"])


HALVES = r"""
    test "u\u00e9\ud83d" {} {puts x; expr 1} 1
    test "k\udc80" {with \udc80} {expr 1} 2
    test "\ud83d\ude00 whole" {} {expr 1} 1
    test plain {} {expr 1} 1
"""


@pytest.mark.parametrize("interpreter", ["tclsh", ""])
def test_half_a_surrogate_pair_in_a_name(pytester, interpreter):
    write(pytester, a=suite(HALVES))
    names = {r"ué\ud83d": "PASSED", r"k\udc80": "FAILED", "😀 whole": "PASSED"}
    for name, status in names.items():
        result = run(pytester, "-v", f"a.test::{name}", interpreter=interpreter)
        assert status_of(result) == {f"a.test::{name}": status}
        assert "TclTestWarning" not in str(result.stdout)
    for options in [], ["-p", "xdist", "-n1"]:
        result = run(pytester, "-v", "-rA", "--junitxml=out.xml", *options, interpreter=interpreter)
        assert result.parseoutcomes() == {"passed": 3, "failed": 1}
        assert section(result, r"k\udc80 with \udc80").endswith(r"a.test:5: k\udc80")
        written = (pytester.path / "out.xml").read_text(encoding="utf-8")
        short = [name for name in names if max(name) <= "\uffff"]  # pytest 9.0 escapes what has over 16 bits
        assert all(f'name="{name}"' in written for name in short)


def test_half_a_surrogate_pair_in_warnings_and_errors(pytester):
    made = r'test m-1 {} {set ::made 1} 1; if {[info exists made]} {test "m\ud83d" {} {expr 1} 1}'
    write(
        pytester,
        a=suite(f"{made}; test m-2 {{}} {{expr 1}} 1"),
        b=HEAD + r'test "b\ud83d" {} {expr 1} 1; error bang',
    )
    result = run(pytester, "a.test::m-1", "b.test")
    assert result.parseoutcomes() == {"passed": 2, "errors": 1, "warnings": 1}
    result.stdout.fnmatch_lines([r"*TclTestWarning: m\ud83d: was not run*"])
    write(pytester, c=HEAD + r'test "c\ud83d" {} {expr 1} 1; exit 3')
    run(pytester, "c.test").stdout.fnmatch_lines([r"*; the last test before that was c\ud83d"])


def test_control_characters_in_a_description_are_escaped(pytester):
    write(pytester, a=suite(r'test a-1 "in \x1b\[31mred\x07 \u200b" {expr 1} 2'))
    for options in [], ["-p", "xdist", "-n1"]:
        result = run(pytester, *options)
        assert section(result, r"a-1 in \x1b[31mred\x07 \u200b")
        assert "\x1b" not in str(result.stdout)


def test_the_element_that_differs_is_named_however_nested(pytester):
    cells = "inv 12 nand2 44 nor2 17 dff 103 mux2 9"
    report = f"name top cells {{{cells}}} area 1234.5 slack {{wns -0.034}}"
    word = "x" * 70
    write(
        pytester,
        nested=suite(
            rf"""
            test n-1 {{dict}} -body {{list {report}}} -result {{{report.replace("103", "104")}}}
            test n-2 {{list}} -body {{list {report}}} -result {{{report.replace(" mux2 9", "")}}}
            test n-3 {{text}} -body {{list {{a {word}yz}} b}} -result {{{{a {word}z}} b}}
            test n-4 {{the same list}} -body {{list a b {word}}} -result {{a {{b}} {word}}}
            test n-5 {{white space}} -body {{list {{a b }} {word}}} -result {{{{a b}} {word}}}
            test n-6 {{newline}} -body {{return {{1 a\nb {word}}}}} -result {{1 a {word}}}
            test n-7 {{empty}} -body {{list 1 {{}} {word}}} -result {{1 a {word}}}
            """
        ),
    )
    result = run(pytester)
    for title, where in (
        ("n-1 dict", "at element 3 7 (after dff): got 103, expected 104"),
        ("n-2 list", "at element 3 (after cells) in length: 10 elements, expected 8"),
        (
            "n-3 text",
            f"at element 0 1 (after a), at character 70: got ...{'x' * 10}yz, expected ...{'x' * 10}z",
        ),
        ("n-4 the same list", "as text, not as a list, at character 2: got a b xxx*, expected a {b} xxx*"),
        ("n-5 white space", 'at element 0 in white space: got "a b ", expected "a b"'),
        ("n-6 newline", r'at element 1: got "a\nb", expected "a"'),
        ("n-7 empty", 'at element 1: got "", expected a'),
    ):
        (line,) = (
            line for line in section(result, title).split("\n") if line.startswith("E   result differs")
        )
        assert fnmatch.fnmatchcase(line, f"E   result differs {where}"), line


def test_a_long_trace_is_shown_in_part(pytester):
    write(pytester, a=suite("proc r {} {\n    r\n}\ntest a-1 {} -body {r}"))
    trace = section(run(pytester), "a-1 (no description)").partition("errorInfo (body):\n")[2].split("\n")
    (place,) = (number for number, line in enumerate(trace) if "more lines; -vv shows all" in line)
    assert trace[0].startswith("    too many nested evaluations")
    assert place == 30
    assert trace[59:61] == ['    "r"', "        (body line 1, a.test:6)"]
    assert trace[61:] == ["errorCode (body): TCL LIMIT STACK", "", "a.test:6: a-1"]
    assert section(run(pytester, "-vv"), "a-1 (no description)").count("\n") > 1000


TRACED = r"""
proc fail {} {error odd {} {HW LIMIT 2}}
proc with {script} {uplevel 1 $script}
proc made {name} {
    test $name {} -body {list \
        7

        fail
    } -result 1
}
test t-1 {the second of two} -body {
    set x 1
    with {set y 2}
    with {
        fail
    }
} -cleanup { list \\
    9
    fail
} -result 7
made t-2
foreach number {3} {
    test t-$number {in a loop} -setup {

        fail
    } -body {set x}
}
set body "\n    fail"
test t-4 {not in the file} -body $body
test t-5 {one word} {
    -body {
        list
        fail
    }
}
test t-6 {the same twice} -body {
    fail
} -cleanup {
    fail
} -result 1
interp create kid
kid eval {
    package require tcltest
    tcltest::test k-1 {in a child} -body {

        error even
    }
    tcltest::cleanupTests
}
"""


def test_the_line_of_a_script_is_named_and_where_that_stands(pytester):
    """Lines by hand: HEAD has two, and the text begins with an empty one."""
    write(pytester, a=suite(TRACED.replace("\\\\", "\\")))
    result = run(pytester)
    code = "\nerrorCode ({}): HW LIMIT 2\n"
    first = section(result, "t-1 the second of two")
    assert first.startswith(
        "    set x 1\n    with {set y 2}\n    with {\n        fail\n    }\n\n"
        "cleanup:\n    list  9\n       fail\n\nE   error: odd\n"
    )
    assert f"        (body line 4, a.test:16){code.format('body')}" in first
    assert '    "uplevel 1 $script"\n        (procedure "with" line 1)\n' in first
    assert f"        (cleanup line 2, a.test:21){code.format('cleanup')}" in first
    for title, where in (
        ("t-2 (no description)", "body line 3, a.test:10"),
        ("t-3 in a loop", "setup line 3, a.test:27"),
        ("t-4 not in the file", "body line 2"),
        ("t-5 one word", "body line 2, a.test:35"),
        ("t-6 the same twice", "body line 2, a.test:39"),
        ("t-6 the same twice", "cleanup line 2, a.test:41"),
    ):
        phase, *_ = where.split()
        assert f'    "fail"\n        ({where}){code.format(phase)}' in section(result, title)
    assert section(result, "t-3 in a loop").startswith("setup:\n    fail\n\nE   setup failed: odd\n")
    child = section(result, "kid::k-1 in a child")
    assert '    "error even"\n        (body line 3' in child
    assert "errorCode" not in child


def test_a_set_up_and_a_clean_up_that_return_are_told(pytester):
    text = """
    test c-1 {} -setup {return early} -body {set x 1} -result 1
    test c-2 {} -setup {continue} -body {set x 1} -cleanup {return -level 0 -code 7}
    test c-3 {} -body {set x 1} -cleanup {break} -result 1
    """
    write(pytester, a=suite(text))
    result = run(pytester)
    early, went_on, broke = (section(result, f"c-{number} (no description)") for number in (1, 2, 3))
    told = "failed: return code was {}, should have been ok (0)"
    assert early == (
        "setup:\n    return early\n\n"
        f"E   setup {told.format('return (2)')}\nE   result was: early\n\na.test:4: c-1"
    )
    assert went_on == (
        "setup:\n    continue\n\ncleanup:\n    return -level 0 -code 7\n\n"
        f"E   setup {told.format('continue (4)')}\nE   cleanup {told.format('7 (7)')}\n\na.test:5: c-2"
    )
    assert broke == f"cleanup:\n    break\n\nE   cleanup {told.format('break (3)')}\n\na.test:6: c-3"


def test_a_test_stands_in_the_file_that_a_procedure_sources(pytester):
    """The procedure may be tcltest's own, or one of the suite's."""
    sub = pytester.mkdir("sub")
    helper = "proc check {name} {\n    test $name {} {expr 1} 2\n}\n"
    (sub / "one.test").write_text(suite(helper + "if 1 {\n    check o-1\n}\ntest o-2 {} {expr 1} 2"))
    of_all = "configure -testdir sub -singleproc 1\nrunAllTests\n"
    of_suite = (
        "proc read {path} {\n    uplevel #0 [list source $path]\n}\nproc all {} {read sub/one.test}\nall\n"
    )
    write(pytester, all=HEAD + of_all, more=HEAD + of_suite)
    result = run(pytester, "all.test", "more.test")
    assert outcomes(result) == (0, 0, 4)
    places = [line for line in result.outlines if line.startswith("sub/one.test:")]
    assert places == ["sub/one.test:7: o-1", "sub/one.test:9: o-2"] * 2


STYLES = """
test s-1 {a result} -body {puts hello; expr {2 + 2}} -result 5
test s-2 {an error} -body {
    error "first\nsecond"
}
"""


def test_a_test_made_far_down_stands_where_the_first_procedure_was_called(pytester):
    """And each level above that is looked at a few times: this is done for each test."""
    deep = "proc deep {n} {if {$n} {deep [expr {$n - 1}]} else {test d-1 {is wrong} {expr 1} 2}}\n"
    # the suite counts how often it is asked for a level in the search, in which no test has run
    asked = "proc asks args {incr ::asked}\ntrace add execution ::tcl::info::frame enter asks\nset asked 0\n"
    tell = "if {$::tcltest::numTests(Failed) == 0} {puts [open asked w] $asked}\n"
    write(pytester, a=HEAD + deep + asked + "deep 200\n" + tell + END)
    run(pytester, "a.test").stdout.fnmatch_lines(["a.test:7: d-1"])
    assert 200 < int((pytester.path / "asked").read_text()) < 600


def test_one_line_for_each_failure(pytester):
    """Captured output aside, which pytest from 9 on shows before the line."""
    write(pytester, styles=suite(STYLES), broken=f"{HEAD}test b-1 {{}} {{expr 1}} 1\nsource nowhere.tcl\n")
    here = pytester.path
    result = run(pytester, "--tb=line", "--show-capture=no", "--junitxml=out.xml")
    lines = result.outlines
    begin = next(number for number, line in enumerate(lines) if " ERRORS " in line)
    end = next(number for number, line in enumerate(lines) if " short test summary " in line)
    assert [line for line in lines[begin:end] if line[:1] not in "=_-"] == [
        f'{here}/broken.test:4: couldn\'t read file "nowhere.tcl": no such file or directory',
        f"{here}/styles.test:4: got 4, expected 5",
        f"{here}/styles.test:5: error: first",
    ]
    failure = next(ElementTree.parse(here / "out.xml").iter("failure"))
    assert "E   result should have been: 5\n" in (failure.text or "")
    with_xdist = run(pytester, "--tb=line", "--show-capture=no", "-p", "xdist", "-n1").stdout
    with_xdist.fnmatch_lines(
        [f"{here}/broken.test:4: couldn't *", f"{here}/styles.test:4: got 4, expected 5"]
    )
    with_xdist.no_fnmatch_line("E  *")


@pytest.mark.parametrize("options", [[], ["-p", "xdist", "-n1"]], ids=["alone", "xdist"])
def test_the_short_style_leaves_out_the_body(pytester, options):
    write(pytester, styles=suite(STYLES))
    result = run(pytester, "--tb=short", *options)
    assert section(result, "s-1 a result").split("\n")[bool(options) :] == [
        "styles.test:4: s-1",
        "E   result was: 4",
        "E   result should have been: 5",
        f"{' Captured stdout call ':-^80}",
        "hello",
    ]
    assert section(result, "s-2 an error").split("\n")[bool(options) :][:5] == [
        "styles.test:5: s-2",
        "E   error: first",
        "E   second",
        "E   return code was error (1), should have been ok or return (0 2)",
        "",
    ]
    assert '\n    "error "first\n    second""' in section(result, "s-2 an error")
    assert "    puts hello; expr {2 + 2}\n" in section(run(pytester, "--tb=native"), "s-1 a result")


def test_the_summary_has_the_beginning_of_a_value_of_several_lines(pytester):
    lines = "\n".join(f"line {number}" for number in range(1, 12))
    pattern = f"test a-1 {{}} -body {{return {{\n\n{lines}}}}} -match glob -result x*\n"
    write(pytester, a=suite(pattern + "test a-2 {} -body {} -match glob -result {a\nb}"))
    result = run(pytester, "-rf", "--junitxml=out.xml")
    result.stdout.fnmatch_lines(
        [
            "FAILED a.test::a-1 - got line 1 line 2 line 3 line 4 line 5 line 6*",
            'FAILED a.test::a-2 - got "", expected a b (glob matching)',
        ]
    )
    failure = next(ElementTree.parse(pytester.path / "out.xml").iter("failure"))
    value = " ".join(lines.split())[:60]
    assert failure.attrib["message"] == f"got {value}..., expected x* (glob matching)"


def test_where_tcltest_is_another_its_own_report_is_shown(pytester):
    """A release whose `test` has other variables: its printed report is the one source left."""
    text = suite("test r-1 {wrong} {expr 1} 2").replace(
        "namespace import",
        """
        proc ::tcltest::test {name description body result} {
            variable testLevel; variable numTests
            incr testLevel
            Skipped $name {}
            incr numTests(Failed)
            puts "==== $name FAILED as ever"
            incr testLevel -1
        }
        namespace import""",
    )
    write(pytester, other=text)
    assert "E   ==== r-1 FAILED as ever\n" in section(run(pytester), "r-1 wrong")


def test_output_belongs_to_its_test(pytester):
    write(
        pytester,
        output=suite(
            """
            puts "before the first"
            test o-1 {} {puts "of one"; expr 2} 2
            puts stderr "between"
            test o-2 {} {
                puts "of two"; puts stderr "errors of two"
                exec sh -c {echo of a child} >@stdout
                expr 2
            } 3
            puts "after the last"
            """
        ),
    )
    result = run(pytester, "-rP")
    assert section(result, "o-2 (no description)").endswith(
        "output.test:7: o-2\n"
        f"{' Captured stderr setup ':-^80}\nbetween\n"
        f"{' Captured stdout call ':-^80}\nof two\nof a child\n"
        f"{' Captured stderr call ':-^80}\nerrors of two\n"
        f"{' Captured stdout teardown ':-^80}\nafter the last\n"
        "output.test:\tTotal\t2\tPassed\t1\tSkipped\t0\tFailed\t1"
    )
    assert section(result, "o-1 (no description)") == (
        f"{' Captured stdout setup ':-^80}\nbefore the first\n{' Captured stdout call ':-^80}\nof one"
    )
    shown = run(pytester, "-s").stdout
    shown.fnmatch_lines(["*before the first", "of one*", "*of two", "of a child", "*after the last"])
    shown.no_fnmatch_line("*Captured*")


def test_output_of_the_set_up_script_is_shown_with_the_first_test(pytester):
    write(pytester, a=suite("test a-1 {} {expr 1} 1"))
    (pytester.path / "early.tcl").write_text("puts early; puts stderr {early, too}")
    assert section(run(pytester, "-rP", "--tcltest-setup=early.tcl"), "a-1 (no description)") == (
        f"{' Captured stdout setup ':-^80}\nearly\n{' Captured stderr setup ':-^80}\nearly, too"
    )


def test_output_of_a_set_up_script_that_fails_is_shown(pytester):
    """Even where it has not failed when the file was searched for tests."""
    write(pytester, a=suite("test a-1 {} {expr 1} 1"))
    (pytester.path / "early.tcl").write_text(
        "puts early; if {[file exists flag]} {error no}; close [open flag w]"
    )
    result = run(pytester, "--tcltest-setup=early.tcl")
    assert section(result, "a-1 (no description)").endswith(
        f"a.test:3: a-1\n{' Captured stdout teardown ':-^80}\nearly"
    )


def test_totals_alone_are_not_shown(pytester):
    write(pytester, **{"a file": suite("test a-1 {} nowhere {expr 1} 1\ntest a-2 {} {expr 1} 2")})
    assert section(run(pytester, "-rP"), "a-2 (no description)").endswith("a file.test:4: a-2")


@pytest.mark.parametrize("line", ["x" * 49, ""], ids=["lines", "no lines"])
def test_of_very_much_output_the_beginning_and_the_end_are_shown(pytester, line):
    put = f"puts {line}" if line else "puts -nonewline xxxxxxxxxx"
    flood = f"puts first; for {{set i 0}} {{$i < 300000}} {{incr i}} {{{put}}}; puts last"
    write(pytester, a=suite(f"test a-1 {{}} {{{flood}; expr 1}} 2\ntest a-2 {{}} {{expr 1}} 1"))
    result = run(pytester)
    assert outcomes(result) == (1, 0, 1)
    shown = result.stdout.str()
    assert 900_000 < len(shown) < 1_010_000
    (left_out,) = re.findall(r"^\.\.\. \(([\d,]+) bytes left out\)$", shown, re.M)
    written = len("first\nlast\n") + 300_000 * (50 if line else 10)
    assert int(left_out.replace(",", "")) == written - 1_000_000
    result.stdout.fnmatch_lines(["first", "*last"])


def test_a_test_that_does_not_end_has_a_duration(pytester):
    write(pytester, a=suite("test a-1 {} {after 300; exit} 1"))
    run(pytester, "--junitxml=out.xml")
    (case,) = ElementTree.parse(pytester.path / "out.xml").iter("testcase")
    assert float(case.attrib["time"]) >= 0.3


def test_the_summary_says_why_with_xdist_too(pytester):
    write(pytester, a=suite("test a-1 {} {puts x; expr 1} 2") + "test a-2 {} {error boom} 1\n")
    write(pytester, b=HEAD + "test b-1 {} {expr 1} 1\nerror bang\n")
    result = run(pytester, "-p", "xdist", "-n1", "--color=yes")
    assert result.parseoutcomes() == {"passed": 1, "failed": 1, "errors": 2}
    result.stdout.re_match_lines_random(
        [
            ".*a.test::.*a-1.* - got 1, expected 2",
            ".*a.test::.*a-2.* - error: boom",
            r".*b.test::.*\(file\).* - bang",
            r"\x1b\[31m\x1b\[1mE   result was: 1.*",
        ]
    )


@pytest.mark.skipif(not shutil.which("tclsh"), reason="tcltorch, which stands in for tclsh, has torch")
def test_how_another_interpreter_finds_our_packages(pytester, monkeypatch):
    monkeypatch.delenv("TCLLIBPATH", raising=False)
    write(pytester, a="package require torch\n" + suite("test a-1 {} {expr 1} 1"))
    write(pytester, b=suite("test b-1 {} {package require torch} 1"))
    write(pytester, c=suite("test c-1 {} {package require torchlight} 1; test c-2 {} {expr 1} 1"))
    way_out = (
        "E   tclsh finds it with TCLLIBPATH=$(tcltorch tclpkg) in the environment, or after a set-up script *"
    )
    for options in [], ["-p", "xdist", "-n1"]:
        result = run(pytester, *options)
        assert result.parseoutcomes() == {"passed": 1, "failed": 2, "errors": 1}
        assert len(fnmatch.filter(result.outlines, way_out)) == 2
        result.stdout.fnmatch_lines(["E   can't find package torch", way_out])
        assert fnmatch.filter(result.outlines, "ERROR a.test::(file) - can't find package torch")
        assert "finds it" not in section(result, "c-1 (no description)")


def test_junit_and_durations(pytester):
    write(pytester, junit=suite("test j-1 {slow} {after 300; expr 1} 1\n" + CORPUS["old_style"]))
    run(pytester, "--junitxml=out.xml")
    cases = {
        case.attrib["name"]: case for case in ElementTree.parse(pytester.path / "out.xml").iter("testcase")
    }
    assert float(cases["j-1"].attrib["time"]) >= 0.3
    (failure,) = cases["o-1.2"]
    assert (failure.tag, failure.attrib["message"]) == ("failure", "got 2, expected 3")
    assert "result should have been: 3" in (failure.text or "")
    (skipped,) = cases["o-1.4"]
    assert (skipped.tag, skipped.attrib["message"]) == ("skipped", "constraint not met: nowhere")
    assert cases["o-1.1"].attrib["classname"] == "junit.test"


# -- leaks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("interpreter", ["tcltorch", "tclsh"])  # which has a worker
def test_leaked_handles_are_reported_and_fail_only_when_strict(pytester, monkeypatch, interpreter):
    monkeypatch.setenv("TCLLIBPATH", f"{{{tcl_package()}}}")
    monkeypatch.setenv("TORCH_TCL_PYTHON", sys.executable)
    write(
        pytester,
        leaks=TENSORS
        + """
        set fixture [torch::ones {2}]
        test l-1 {leaks} -body {set x [torch::ones {2}]; torch::tensor_shape $x} -result 2
        set between [torch::ones {2}]
        test l-2 {frees} -setup {set y [torch::ones 2]} -body {torch::tensor_shape $y} -cleanup {
            torch::free $y
        } -result 2
        test l-3 {frees another's} -body {
            torch::free $x
            torch::scope {torch::tensor_shape [torch::ones 2]}
        } -result 2
        test l-4 {fails too} -body {
            list [torch::ones {2}] [torch::zeros {3} int64]; expr 1
        } -result 2
        test l-5 {leaks many} -body {time {torch::ones 2} 8; list} -result {}
        test l-6 {telling has made none} -body {dict get [torch::memory] created} -result 15
        """
        + END,
    )
    result = run(pytester, interpreter=interpreter)
    assert outcomes(result) == (5, 0, 1)
    result.stdout.fnmatch_lines(
        [
            "*leaked torch handles*",
            "leaks.test::l-1: tensor1 (float32 [[]2[]])",
            "leaks.test::l-4: tensor5 (float32 [[]2[]]), tensor6 (int64 [[]3[]])",
            "leaks.test::l-5: tensor7 (*), tensor8 (*), tensor9 (*), tensor10 (*), tensor11 (*) and 3 more",
        ],
        consecutive=True,
    )
    result.stdout.no_fnmatch_line("leaks.test::l-[[]23]:*")


def test_a_test_whose_name_ends_in_colons_is_named_in_its_heading(pytester):
    write(pytester, a=suite("test a:: {colons} {expr 1} 2\ntest {} {no name} {expr 1} 2"))
    result = run(pytester)
    assert section(result, "a:: colons").endswith("a.test:3: a::")
    assert "E   result was: 1\n" in section(result, "no name")


def test_a_leak_fails_a_test_when_strict(pytester, monkeypatch):
    """With handles of plain Tcl's, to be quick."""
    write(
        pytester,
        strict=suite(
            FAKE_HANDLES
            + """
            test s-1 {leaks} {lappend torch::live t1 t2; expr 1} 1
            test s-2 {frees} {set torch::live t2; expr 1} 1
            test s-3 {leaks and fails} {lappend torch::live t3; expr 1} 2
            test s-4 {skipped} nowhere {lappend torch::live t4} 2
            """
        ),
    )
    result = run(pytester, "--tb=no")
    assert outcomes(result) == (2, 1, 1)
    in_order = [
        "*= leaked torch handles =*",
        "strict.test::s-1: t1, t2",
        "strict.test::s-3: t3",
        "free them in -cleanup, or run the body in torch::scope",
        "what a body returns outlives it: *",
        "===*",
    ]
    result.stdout.fnmatch_lines(in_order, consecutive=True)
    pytester.makeini("[pytest]\ntcltest_strict_leaks = true")
    monkeypatch.chdir(pytester.mkdir("elsewhere"))
    run(pytester, "--tb=no", "..").stdout.fnmatch_lines(["../strict.test::s-1: t1, t2"])
    monkeypatch.chdir(pytester.path)
    result = run(pytester, "-v")
    assert list(status_of(result).values()) == ["FAILED", "PASSED", "FAILED", "SKIPPED"]
    assert section(result, "s-1 leaks") == (
        "    lappend torch::live t1 t2; expr 1\n\n"
        "E   leaked t1, t2: live after the test and not before\n\nstrict.test:5: s-1"
    )
    assert "E   result was: 1\n" in section(result, "s-3 leaks and fails")
    result.stdout.fnmatch_lines(["FAILED strict.test::s-1 - leaked t1, t2: *"])


def test_a_test_that_skips_itself_may_leak(pytester):
    leaks = "test s-1 {} -setup {lappend torch::live t1} -body {::tcltest::Skip no}"
    write(pytester, skips=suite(FAKE_HANDLES + leaks))
    result = run(pytester)
    assert outcomes(result) == (0, 1, 0)
    result.stdout.fnmatch_lines(["skips.test::s-1: t1"])
    assert outcomes(run(pytester, "--tcltest-strict-leaks")) == (0, 0, 1)


# -- options ---------------------------------------------------------------------------------------------


def test_options_of_the_configuration(pytester):
    pytester.mkdir("conf")
    (pytester.path / "conf" / "setup.tcl").write_text("set ::prepared {yes é}", encoding="utf-8")
    write(
        pytester,
        plain="no Tcl at all",
        chosen=suite("test c-1 {} {list $::prepared $::argv} {{yes é} {-tmpdir . -verbose {body error}}}"),
    )
    (pytester.path / "chosen.test").rename(pytester.path / "chosen.tcltest")
    pytester.makepyprojecttoml(
        """
        [tool.pytest.ini_options]
        tcltest_files = ["*.tcltest", "x*.tst"]
        tcltest_setup = "conf/setup.tcl"
        tcltest_args = ["-tmpdir", ".", "-verbose", "body error"]
        tcltest_timeout = "60"
        """
    )
    assert outcomes(run(pytester)) == (1, 0, 0)
    assert outcomes(run(pytester, interpreter="tcltorch")) == (1, 0, 0)
    (pytester.path / "conf" / "setup.tcl").write_text("error unprepared")
    result = run(pytester)
    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines(["E   *set-up script*unprepared*"])


def test_which_files_are_taken(pytester):
    write(pytester, none=HEAD, empty="", tcl_good=HEAD + "test a-1 {} {expr 1} 1\n")
    result = run(pytester, "-v", interpreter="tcltorch")
    broken = {"none.test::(file)": "ERROR", "empty.test::(file)": "ERROR"}
    assert status_of(result) == broken | {"tcl_good.test::a-1": "PASSED"}
    pytester.makeini("[pytest]\ntcltest_files = tcl_*.test")
    assert status_of(run(pytester, "-v", interpreter="tcltorch")) == {"tcl_good.test::a-1": "PASSED"}
    pytester.makeini("[pytest]\ntcltest_files =")
    assert status_of(run(pytester, "-v", interpreter="tcltorch")) == {}


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ("tcltest_process=thread", "tcltest_process must be file or session, not 'thread'"),
        ("tcltest_timeout=soon", "tcltest_timeout*'soon'"),
        ("tcltest_timeout=0", "tcltest_timeout must be a number of seconds greater than 0, not '0*'"),
        ("tcltest_setup=nowhere.tcl", "tcltest_setup: no such file: */nowhere.tcl"),
        ("--tcltest-process=thread", "--tcltest-process must be file or session, not 'thread'"),
        ("--tcltest-timeout=inf", "--tcltest-timeout must be a number of seconds greater than 0, not 'inf'"),
        ("--tcltest-setup=nowhere.tcl", "--tcltest-setup: no such file: */nowhere.tcl"),
        ("--tcltest-args='a", "--tcltest-args: no closing quotation: 'a"),
        ("tcltest_args='a", "tcltest_args: No closing quotation"),
        ("tcltest_files='a", "tcltest_files: No closing quotation"),
        ("tcltest_interpreter='a", "tcltest_interpreter: No closing quotation"),
        ("tcltest_strict_leaks=maybe", "tcltest_strict_leaks: invalid truth value 'maybe'"),
    ],
)
def test_a_bad_option_is_a_usage_error(pytester, option, complaint):
    words = [option] if option.startswith("--") else ["-o", option]
    result = run(pytester, *words, interpreter="tcltorch")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {complaint}"])


@pytest.mark.parametrize("value", ["[1]", '[["a"]]', '["a", 1.5]'])
@pytest.mark.parametrize("name", ["args", "files", "interpreter", "timeout", "strict_leaks"])
def test_a_value_of_another_type_is_a_usage_error_that_names_the_option(pytester, name, value):
    (pytester.path / "pyproject.toml").write_text(f"[tool.pytest.ini_options]\ntcltest_{name} = {value}\n")
    result = run(pytester, interpreter="tcltorch")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: *tcltest_{name}*"])
    result.stderr.no_fnmatch_line("*INTERNALERROR*")


@pytest.mark.parametrize(
    ("pattern", "taken"),
    [
        ("t/*.test", {"t/a.test"}),
        ("./t/*.test", {"t/a.test"}),
        ("./*.test", {"t/a.test", "b.test"}),
        ("**/*.test", {"t/a.test", "b.test"}),
        ("t*/a.*", {"t/a.test"}),
        ("u/*.test", set()),
    ],
)
def test_a_pattern_with_a_slash_is_one_of_paths(pytester, pattern, taken):
    pytester.mkdir("t")
    write(pytester, **{"t/a": suite("test a-1 {} {expr 1} 1"), "b": suite("test a-1 {} {expr 1} 1")})
    status = status_of(run(pytester, "-v", "-o", f"tcltest_files={pattern}"))
    assert {nodeid.partition("::")[0] for nodeid in status} == taken


def test_a_relative_interpreter_is_one_beside_the_configuration(pytester):
    pytester.mkdir("sub")
    (pytester.path / "sub" / "a.test").write_text(suite("test a-1 {} {set env(MARKED)} yes"))
    program = pytester.path / "mytclsh"
    program.write_text(f'#!/bin/sh\nMARKED=yes exec "{sys.executable}" -m pybridge "$@"\n')
    program.chmod(0o755)
    pytester.makeini("[pytest]\ntcltest_interpreter = ./mytclsh")
    assert outcomes(run(pytester, interpreter="tcltorch")) == (1, 0, 0)


def test_names_that_pytest_has_only_since_8_4_are_not_needed():
    program = (
        "import importlib, pkgutil, pytest\ndel pytest.TerminalReporter\nfrom pybridge import tcltest\n"
        "for each in pkgutil.iter_modules(tcltest.__path__):\n"
        "    importlib.import_module('pybridge.tcltest.' + each.name)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_plugin_costs_others_nothing(pytester):
    pytester.makepyfile("def test_it(): pass")
    program = (
        "import sys, pytest\nstatus = pytest.main(['-q', '-p', 'no:hypothesispytest'])\n"
        "watched = ('torch', 'tkinter', '_tkinter', 'numpy', 'pybridge')\n"
        "print(sorted(name for name in sys.modules if name.split('.')[0] in watched))\n"
    )
    result = pytester.run(sys.executable, "-c", program)
    result.stdout.fnmatch_lines(
        [
            "1 passed*",
            "['pybridge', 'pybridge.tcltest', 'pybridge.tcltest.plugin', 'pybridge.tcltest.settings', "
            "'pybridge.tcltest.suites']",
        ]
    )


def test_a_line_break_in_a_name_breaks_no_message(pytester):
    named = 'test "the\\nlast" {} {list} {}\n'
    write(
        pytester,
        body=suite('test "the\\nlast" {} {exit 3} {}\ntest a-2 {} {} {}'),
        end=HEAD + named + "exit 4",
    )
    lines = run(pytester).outlines
    end = "the process ended with status 4 half-way, before the end of the file or cleanupTests"
    assert rf"E   {end}; the last test before that was the\nlast" in lines
    assert r"body.test:3: the\nlast" in lines
    assert r"E   not run: the process ended with status 3 while the\nlast ran" in lines
