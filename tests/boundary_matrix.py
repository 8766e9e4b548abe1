"""The data at which converters break: lengths around powers of two, limits of each type and one beyond, odd
spellings of numbers and booleans. What each word means is written out here, by hand."""

import math

LENGTHS = (0, 1, 2, 7, 8, 9, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257)

INTEGER_RANGES = {
    "int8": (-128, 127),
    "int16": (-32768, 32767),
    "int32": (-2147483648, 2147483647),
    "int64": (-9223372036854775808, 9223372036854775807),
    "uint8": (0, 255),
    "uint16": (0, 65535),
    "uint32": (0, 4294967295),
    "uint64": (0, 18446744073709551615),
}
FLOAT_DTYPES = ("float64", "float32", "float16", "bfloat16")

_LIMITS = {limit for limits in INTEGER_RANGES.values() for limit in limits}
_AROUND_LIMITS = {limit + step for limit in _LIMITS for step in (-1, 0, 1)}

# Words that are integers of at most 64 bits, and their values.
INTEGERS = {
    **{str(value): value for value in sorted(_AROUND_LIMITS) if -(2**63) <= value < 2**63},
    **{str(value): value for value in (2, 5, 7, 9, 10, 11, 100)},
    "-0": 0,
    "+0": 0,
    "+1": 1,
    " 1": 1,
    "1 ": 1,
    "0x1": 1,
    "0b1": 1,
    "+7": 7,
    "-7": -7,
    " 5": 5,
    "5 ": 5,
    "\t5\n": 5,
    "\v5\f\r": 5,
    "0x10": 16,
    "0X1f": 31,
    "-0xFF": -255,
    "+0x7fffffffffffffff": 2**63 - 1,
    "-0x8000000000000000": -(2**63),
    "0o17": 15,
    "0O17": 15,
    "-0o10": -8,
    "0b101": 5,
    "0B1": 1,
    "-0b11": -3,
    "0x00ff": 255,
    "0o007": 7,
    "0b00000000000000000000000000000000000000000000000000000000000000000001": 1,
}

# Integers that need more than 64 bits.
WIDE_INTEGERS = {
    **{str(value): value for value in sorted(_AROUND_LIMITS) if not -(2**63) <= value < 2**63},
    "0xffffffffffffffff": 2**64 - 1,
    "-0x8000000000000001": -(2**63) - 1,
    "1" + 30 * "0": 10**30,
    "-1" + 30 * "0": -(10**30),
    "1" + 400 * "0": 10**400,
    "-1" + 400 * "0": -(10**400),
    "1" + 5000 * "0": 10**5000,  # Python refuses to read more than 4300 digits
    "0x1" + 5000 * "0": 16**5000,
}

# Words that are doubles and no integers.
FLOATS = {
    "0.0": 0.0,
    "-0.0": -0.0,
    "1.0": 1.0,
    "1.5": 1.5,
    "-1.5": -1.5,
    "+1.5": 1.5,
    ".5": 0.5,
    "-.5": -0.5,
    "5.": 5.0,
    "1e3": 1000.0,
    "1E3": 1000.0,
    "1e+3": 1000.0,
    "-1e-3": -0.001,
    "08.5": 8.5,
    "007e1": 70.0,
    " 2.5\n": 2.5,
    "0.1": 0.1,
    "0.10000000149011612": 0.10000000149011612,
    "16777217.0": 16777217.0,
    "9007199254740993.0": 9007199254740992.0,
    "1e16": 1e16,
    "1e23": 1e23,
    "5e-324": 5e-324,
    "4.9406564584124654e-324": 5e-324,
    "2.2250738585072014e-308": 2.2250738585072014e-308,
    "1.7976931348623157e308": 1.7976931348623157e308,
    "1e400": math.inf,
    "-1e400": -math.inf,
    "1e-400": 0.0,
    "Inf": math.inf,
    "inf": math.inf,
    "+INF": math.inf,
    "-Inf": -math.inf,
    "infinity": math.inf,
    "-Infinity": -math.inf,
    "NaN": math.nan,
    "nan": math.nan,
    "-NaN": -math.nan,
}

# Words that are no numbers here. A leading zero is octal in Tcl 8.6 and decimal in 9.0: refused.
NO_NUMBERS = (
    *(
        "",
        " ",
        "one",
        "1one",
        "x",
        "-",
        "+",
        ".",
        "e",
        "-.",
        "1e",
        "1e+",
        "e3",
        ".e3",
        "1.5.2",
        "1,5",
        "1,000",
    ),
    *("010", "-010", "+08", "007", "00", "-00", " 01"),
    *("0x", "0xg", "x10", "0o8", "0o", "0b2", "0b", "0d10", "0x1.8", "0x1p3", "0x-1", "1e0x1"),
    *("--1", "+-1", "- 1", "1_000", "1_0.5", "1L", "1f", "1.5d", "1j", "$1", "1;"),
    *("infin", "in", "nano", "-infinit", "1inf", "None", "null", "1\0", "\0001", "1\0001"),
    # What Python's int() and float() would take: digits of other scripts, blanks that Tcl does not skip.
    *("\u0661", "\uff11", "\u00b2", "\xa01", "1\x85", "\x1c1", "1\u2028", "\u2212" + "1", "\U0001d7d9"),
    *("[exec true]", "{1", '"1', "1}", "\\1", "true", "off", "tensor0", "a b", "1 one"),
)

# Words that look like booleans, and some that are; Tcl says which are and what they mean.
BOOLEAN_WORDS = (
    *("1", "0", "true", "false", "yes", "no", "on", "off"),
    *("t", "tr", "tru", "f", "fa", "fal", "fals", "y", "ye", "n", "of", "o"),
    *("TRUE", "False", "tRuE", "YES", "nO", "ON", "oFf", "T", "F", "Y", "N", "OF", "O"),
    *(
        "truth",
        "truely",
        "falsey",
        "yess",
        "non",
        "onn",
        "offf",
        "10",
        "01",
        "00",
        "11",
        "2",
        "-1",
        "+1",
        "-0",
    ),
    *(
        "1.0",
        "0.0",
        "0x1",
        "0b1",
        " 1",
        "1 ",
        "true ",
        " true",
        "on\n",
        "true\0",
        "",
        "nan",
        "\uff11",
        "\u212aes",
    ),
    *("on off", "tru\u00e9", "true{}", "\u017fo"),
)

# Text that has broken parsers before; all of it is a word for somebody.
HOSTILE_TEXTS = (
    *("\0", "a\0b", "\\", "\\\n", "{", "}", '"', "{a}b", "[", "$x", "-", "--", "-axis", "#", "a;b"),
    *(5000 * "9x", 3000 * "{" + 3000 * "}", 500 * "{" + "1" + 500 * "}", 300 * "0 "),
    *(
        "tensor05",
        "tensor" + 5000 * "9",
        "tensor\u0660",
        "tensor-1",
        "Tensor0",
        "tensor0 tensor0",
        "tensor 0",
    ),
    *("\U0001f600", "\udcff", "\ud800", "\u00e9", "caf\u0065\u0301", "\u202e1"),
)

ALL_WORDS = tuple(
    dict.fromkeys((*INTEGERS, *WIDE_INTEGERS, *FLOATS, *NO_NUMBERS, *BOOLEAN_WORDS, *HOSTILE_TEXTS))
)


def hint_on_number(word: str, where: str = "") -> str:
    """The end of the message on a word that is nearly a number; `where` is its place in a list."""
    if word == "$x":
        return " (braces keep Tcl from putting in its value" + (": [list $x ...])" if where else ")")
    if word in ("1,5", "1,000"):
        return " (blanks separate the elements of a list, a point the decimals)"
    if word.strip() in ("010", "-010", "+08", "007", "00", "-00", "01", "08", "-08", "017"):
        return " (leave out the leading zero: Tcl 8.6 takes 010 for 8, Tcl 9 for 10)"
    return ""


def no_such_tensor(word: str) -> str:
    """The message on a word that is no handle; a list of zeros is among the words, for which it says more."""
    zeros = word.split()
    hint = " (torch::tensor_create makes one of numbers)" if len(zeros) > 1 and set(zeros) == {"0"} else ""
    return f"no such tensor {quoted(word)}{hint or hint_on_list(word, 'tensor')}"


def hint_on_list(word: str, kind: str) -> str:
    """The end of the message on a word that is no handle; a list of two is among the words."""
    of_tensors = word == "tensor0 tensor0" and kind in ("tensor", "handle")
    return f": it is a list, and lindex takes a {kind} out of it" if of_tensors else ""


def quoted(word: str) -> str:
    """A word as messages quote it: on one line, cut after 60 characters."""
    line = word.replace("\n", "\\n").replace("\r", "\\r")
    return f'"{line}"' if len(line) <= 60 else f'"{line[:60]}..."'
