"""Dicts and lists of dicts as the prompt lays them out."""

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.utils import get_cwidth

from pybridge import Interpreter
from pybridge.prompt.records import layout
from pybridge.tcl_list import join_list


def dict_of(**pairs: object) -> str:
    return join_list([str(word) for pair in pairs.items() for word in pair])


def lines(text: str) -> str:
    return textwrap.dedent(text).strip("\n")


TRIALS = [
    dict_of(bits=8, qscheme="affine", axis=0, mse=2.3712e-05, sqnr_db=46.25, note=""),
    dict_of(bits=4, qscheme="symmetric", axis="", mse="NaN", sqnr_db=1234.5, note="{} wide"),
]


def test_a_list_of_dicts_is_a_table() -> None:
    assert layout(join_list(TRIALS), 80) == lines("""
        bits  qscheme    axis       mse  sqnr_db  note
           8  affine        0  2.37e-05     46.2
           4  symmetric             NaN   1234    {} wide
        """)


def test_a_dict_of_dicts_begins_with_its_keys() -> None:
    assert layout(join_list(["encoder.0", TRIALS[0], "head", TRIALS[1]]), 80) == lines("""
                   bits  qscheme    axis       mse  sqnr_db  note
        encoder.0     8  affine        0  2.37e-05     46.2
        head          4  symmetric             NaN   1234    {} wide
        """)


def test_a_dict_of_lists_of_dicts() -> None:
    short = [dict_of(bits=bits, sqnr_db=6.02 * bits) for bits in (4, 8)]
    assert layout(join_list(["a", join_list(short), "b", join_list(short[:1])]), 40) == lines("""
           bits  sqnr_db
        a     4     24.1
              8     48.2
        b     4     24.1
        """)


def test_a_dict_of_lists_of_different_dicts_is_a_table_for_each() -> None:
    assert layout("a {{x 1 y 2} {x 2 y 3}} b {{u 1 v 2}}", 30) == lines("""
        a
          x  y
          1  2
          2  3
        b
          u  v
          1  2
        """)


def test_a_dict_has_a_line_or_a_table_for_each_key() -> None:
    plan = dict_of(sqnr=30.123456789, weights=join_list(["fc", TRIALS[0]]), skipped="", reached=1)
    assert layout(plan, 60) == lines("""
        sqnr     30.123456789
        weights
              bits  qscheme  axis       mse  sqnr_db  note
          fc     8  affine      0  2.37e-05     46.2
        skipped  {}
        reached  1
        """)
    assert layout(TRIALS[0], 40) == lines("""
        bits     8
        qscheme  affine
        axis     0
        mse      2.3712e-05
        sqnr_db  46.25
        note     {}
        """)
    assert layout("fc {bits 4 scale 0.5} name encoder.layer.0 rows 384", 40) == lines("""
        fc    bits 4 scale 0.5
        name  encoder.layer.0
        rows  384
        """)
    assert layout("fc {{bits 4 sqnr_db 18.5} {bits 8 sqnr_db 42.5}} rows 384", 30) == lines("""
        fc
          bits  sqnr_db
             4     18.5
             8     42.5
        rows  384
        """)


def test_what_is_too_wide_for_a_table_is_told() -> None:
    trials = [dict_of(bits=bits, observer="minmax", group_size="", mse=0.5, cosine=bits) for bits in (4, 8)]
    assert layout(join_list(trials), 38) == lines("""
        bits observer group_size   mse cosine
           4 minmax              0.500      4
           8 minmax              0.500      8
        """)
    assert layout(join_list(trials), 36) == lines("""
        bits  cosine
           4       4
           8       8
        all: observer minmax, group_size {},
          mse 0.5
        """)
    assert layout(join_list(trials), 35) == lines("""
        bits  cosine
           4       4
           8       8
        all: observer minmax,
          group_size {}, mse 0.5
        """)
    assert layout(join_list(trials[:1]), 20) == lines("""
        bits  observer
           4  minmax
        not shown:
          group_size, mse,
          cosine
        """)
    named = "fc {bits 4 sqnr_db 18.5 zero_point 3} head {bits 8 sqnr_db 42.5 zero_point 5}"
    assert layout(named, 25) == lines("""
              bits  sqnr_db
        fc       4     18.5
        head     8     42.5
        not shown: zero_point
        """)
    assert (
        layout(join_list([dict_of(the_name_of_a_long_column=bits, mse=bits) for bits in (4, 8)]), 20) is None
    )


@pytest.mark.parametrize("width", [4, 19])
def test_in_a_few_columns_nothing_is_laid_out(width: int) -> None:
    assert layout(join_list(TRIALS), width) is None


def test_names_are_whole_or_without_their_middle() -> None:
    names = ["encoder.layer.0.attention.self.query.weight", "encoder.layer.1.attention.self.query.weight"]
    table = join_list([word for name in names for word in (name, dict_of(bits=4, sqnr_db=30.5))])
    assert layout(table, 60) == lines("""
                                                     bits  sqnr_db
        encoder.layer.0.attention.self.query.weight     4     30.5
        encoder.layer.1.attention.self.query.weight     4     30.5
        """)
    assert layout(table, 50) == "\n".join(
        [
            f"{'':37} bits sqnr_db",
            "encoder.layer.0.a...self.query.weight    4    30.5",
            "encoder.layer.1.a...self.query.weight    4    30.5",
        ]
    )
    for width, short in (  # no dots of the name's own beside those three
        (48, "encoder.layer.0...elf.query.weight"),
        (52, "encoder.layer.0.at...self.query.weight"),
    ):
        shown = layout(table, width)
        assert shown is not None
        assert shown.splitlines()[1] == f"{short}    4    30.5"


def test_an_escape_of_the_terminal_is_no_name_of_a_row() -> None:
    """One that a list in the result writes as Tcl's."""
    assert layout(r"top {\u001b\[31m {x 1 y 2} b {x 1 y 2}} n 1", 30) == "\n".join(
        [r"top  \u001b\[31m {x 1 y 2} ...", "n    1"]
    )


def test_one_dict_that_is_no_table_has_a_line_for_each_key() -> None:
    plan = dict_of(
        sqnr=30, weights=join_list(["fc", dict_of(bits=4, granularity="per_channel", sqnr_db=30.5)])
    )
    assert layout(plan, 28) == lines("""
        sqnr     30
        weights
          fc
            bits         4
            granularity  per_channel
            sqnr_db      30.5
        """)


@pytest.mark.parametrize("depth", [1, 20, 39, 60, 5000])
def test_dicts_in_dicts_are_laid_out_as_far_as_there_is_room(depth: int) -> None:
    nested = "x 1 y {" + "a word " * 20 + "}"
    for _ in range(depth):
        nested = "a {" + nested + "} b 1"
    shown = layout(nested, 80)
    assert shown is not None
    assert shown.startswith("a\n  ")
    assert shown.endswith("\nb  1")
    assert max(map(len, shown.splitlines())) <= 80


def test_dicts_in_dicts_are_laid_out_five_levels_deep() -> None:
    nested = "1"
    for _ in range(15_000):
        nested = "a {" + nested + "} b 1"
    shown = layout(nested, 500)
    assert shown is not None
    above, innermost, below = shown.partition("\n" + " " * 8 + "a  a {a {a {")
    assert above == "a\n  a\n    a\n      a"
    assert innermost
    assert below.partition(" ...\n")[2] == "        b  1\n      b  1\n    b  1\n  b  1\nb  1"


def test_characters_of_two_columns() -> None:
    rows = [dict_of(name="層一二三四五六七八九十一二三", bits=8), dict_of(name="x", bits=4)]
    assert layout(join_list(rows), 30) == lines("""
        name            bits
        層一二三四 ...     8
        x                  4
        """)


def test_names_are_shortened_to_columns_of_the_terminal() -> None:
    names = ["層一二三四五六七八九十一二三", "x"]
    rows = [word for name in names for word in (name, dict_of(bits=8, sqnr_db=30.5))]
    assert layout(join_list(rows), 28) == "\n".join(
        [
            f"{'':15} bits sqnr_db",
            "層一二...一二三    8    30.5",
            "x                  8    30.5",
        ]
    )
    assert layout(dict_of(b="a word " * 9, a層=1, b層="a word " * 9, c=1), 28) == lines("""
        b    a word a word a wor ...
        a層  1
        b層  a word a word a wor ...
        c    1
        """)


def test_numbers_have_three_digits_or_all_before_the_point_and_points_in_line() -> None:
    rows = [dict_of(a=99.96, b="1e400", c=20241105.5, d=1), dict_of(a=-0.00012345, b=1, c=2, d="1e-7")]
    assert layout(join_list(rows), 40) == lines("""
                 a      b         c         d
        100         1e400  20241106  1
         -0.000123      1         2  1.00e-07
        """)


def test_what_is_no_finite_number_ends_where_the_others_do() -> None:
    rows = [dict_of(mse=mse, observer="a few words") for mse in ("0.25", "-NaN", "NaN", "-Inf", "1")]
    assert layout(join_list(rows), 40) == lines("""
          mse  observer
        0.250  a few words
         -NaN  a few words
          NaN  a few words
         -Inf  a few words
        1      a few words
        """)


def test_notes_are_not_longer_than_three_lines() -> None:
    shown = layout(join_list([" ".join(f"key{number} {number}" for number in range(2000))] * 2), 40)
    assert shown is not None
    assert len(shown.splitlines()) == 3 + 3
    assert shown.endswith(" ...")


def test_a_table_stays_on_the_terminal_and_twenty_keys_are_shown() -> None:
    shown = layout(join_list([dict_of(bits=bits, mse=1) for bits in range(25)]), 80)
    assert shown is not None
    assert shown.splitlines()[16:] == ["  15    1", '... and 9 more; "puts" shows all']
    shown = layout(join_list([word for bits in range(25) for word in (f"key{bits}", str(bits))]), 80)
    assert shown is not None
    assert shown.splitlines()[19:] == ["key19  19", '... and 5 more keys; "puts" shows all']


@pytest.mark.parametrize(
    "result",
    [
        "bits 8 mse 0.5",  # fits into a line
        "",
        r"{bits 4 name \u001b\[31mred} {bits 8 name \u001b\[31mred} {bits 2 name \u001b\[31mred}",
        "w {{bits 8 mse 0.5}\n{bits 4 mse 0.1}}",
        "{the quick} {brown fox} {jumps over} {the lazy}",
        "{add r1 r2 r3} {add r4 r2 r5}",
        "{x 1 y 2} {x 1 z 2}",
        "{x 1} {x 2} {x 3} {x 4} {x 5}",
        "{1 2 3 4} {1 2 3 4} {1 2 3 4}",
        "the quick brown fox jumps over a lazy dog",
        "-width 80 -height 24 -title {a window} -bits 8",
        "a 1 a 2 b 3 c 4 d 5 e 6 f 7 g 8 h 9",
        "{bits 8  mse 0.5} {bits 4  mse 0.1} x",
        "{bits 8 mse 0.5}  {bits 4 mse 0.1}",
        "{bits 8 mse 0.5} {bits 4 mse 0.1",
        "bits\n8\nmse\n0.5\nlonger 1",
        "{bits 8 mse \x1b\\[31mred} {bits 4 mse \x1b\\[31mred}",
        "kept 25 tensors and left out three others because no plan names their weights yet today",
    ],
)
def test_other_results_are_as_they_are(result: str) -> None:
    assert layout(result, 20) is None


def test_the_commands_of_the_package(tcl: Interpreter) -> None:
    tcl.eval("set w [torch::tensor_create {{191.6 -13.5 728.6} {92.14 295.5 -184}}]")
    sweep = layout(tcl.eval("torch::quantization_sweep $w {4 8}"), 80)
    assert sweep is not None
    assert sweep.split()[:5] == ["bits", "granularity", "qscheme", "observer", "axis"]
    assert sweep.splitlines()[-2:] == [
        '... and 8 more; "puts" shows all',
        "all: group_size {}, scale_mode float",
    ]
    assert tcl.eval("lindex [torch::quantization_sweep $w {4 8}] 0").startswith(
        "bits 8 granularity per_channel"
    )
    plan = layout(tcl.eval("torch::quantization_plan [dict create fc $w] 30"), 80)
    assert plan is not None
    keys = [line.split()[0] for line in plan.splitlines() if not line.startswith(" ")]
    assert [*keys[:4], *keys[-3:]] == ["sqnr", "reached", "bits", "bytes", "weights", "tried", "skipped"]


def test_a_plan_shows_what_it_is_judged_by(tcl: Interpreter) -> None:
    tcl.eval("set w [torch::tensor_create {{191.6 -13.5 728.6} {92.14 295.5 -184}}]")
    tcl.eval("foreach number {1 2 3 4} {dict set model encoder.layer.$number.attention.output.dense.bias $w}")
    tcl.eval("dict set model encoder.layer.0.attention.self.query.bias [torch::tensor_create {1 2 3}]")
    shown = layout(tcl.eval("torch::quantization_plan $model 30"), 80)
    assert shown is not None
    heads = [line.split() for line in shown.splitlines() if "granularity" in line]
    assert [head[-2:] for head in heads] == [["bytes", "sqnr_db"]] * 2  # of `weights`, and of `tried`


_NUMBERS = st.one_of(st.floats().map(str), st.integers().map(str), st.sampled_from(["-NaN", "-Inf", "1e999"]))
_CELLS = st.one_of(_NUMBERS, st.text("ab {}\\é層", max_size=60))
_KEYS = st.text("abc_層", min_size=1, max_size=30)
_LABELS = st.text("a.b c層", max_size=90)
_DICTS = st.dictionaries(_KEYS, _CELLS, max_size=6).map(lambda each: dict_of(**each))
_ROWS = st.builds(dict_of, a=_NUMBERS, b=_CELLS, c=_CELLS, d=_CELLS)
_RESULTS = st.one_of(
    st.text(),
    _DICTS,
    st.lists(_DICTS, max_size=25).map(join_list),
    st.builds(lambda one, count: join_list([one] * count), _DICTS, st.integers(1, 25)),
    st.dictionaries(_LABELS, _DICTS).map(lambda each: dict_of(**each)),
    st.dictionaries(st.text("ab層", min_size=20), _ROWS, min_size=2).map(lambda each: dict_of(**each)),
    st.recursive(_CELLS, lambda each: st.dictionaries(_KEYS, each).map(lambda pairs: dict_of(**pairs))),
)


@given(_RESULTS, st.integers(10, 100))
def test_no_line_is_wider_than_the_terminal(result: str, width: int) -> None:
    shown = layout(result, width)
    assert shown is None or all(get_cwidth(line) <= width for line in shown.splitlines())
