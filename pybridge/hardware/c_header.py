"""C headers: one array of the types of stdint.h, macros for its sizes, and the scales."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pybridge.hardware.digits import decimals_in_lines, without_comments
from pybridge.hardware.format import Format
from pybridge.hardware.manifest import Coding, Manifest
from pybridge.hardware.refusals import BadContent, BadToken, quoted
from pybridge.hardware.words import Words, from_integers, to_integers

_COMMENT = re.compile(rb"//[^\n]*|/\*.*?\*/", re.DOTALL)
_ARRAY = re.compile(rb"\b(u?int(?:8|16|32|64))_t\s+\w+\s*\[\s*(\w+)\s*\]\s*=\s*\{([^{}]*)\}\s*;")
_SIZE = re.compile(rb"^[ \t]*#[ \t]*define[ \t]+\w+_SIZE[ \t]+0[ \t]*\r?$", re.MULTILINE)
_NUMBER = re.compile(rb"([-+]?(?:0[xX][0-9a-fA-F]+|0|[1-9][0-9]*))[uUlL]{0,3}")
_NOT_AS_IN_C = re.compile(rb"_|\b0[0-9]")  # what Python reads as a decimal number; 010 is 8 in C
# Words of C and C++, the macros of stdint.h, and those of compilers that begin with a letter: what an array
# cannot be called.
_RESERVED = re.compile(
    "alignas|alignof|and|and_eq|asm|auto|bitand|bitor|bool|break|case|catch|char|class|compl|concept|const|"
    "const_cast|consteval|constexpr|constinit|continue|co_await|co_return|co_yield|decltype|default|delete|do|"
    "double|dynamic_cast|else|enum|explicit|export|extern|false|float|for|friend|goto|if|inline|int|long|main|"
    "mutable|namespace|new|noexcept|not|not_eq|nullptr|operator|or|or_eq|private|protected|public|register|"
    "reinterpret_cast|requires|restrict|return|short|signed|sizeof|static|static_assert|static_cast|struct|"
    "switch|template|this|thread_local|throw|true|try|typedef|typeid|typename|typeof|typeof_unqual|union|"
    "unsigned|using|virtual|void|volatile|while|xor|xor_eq|"
    "arm|hpux|i386|linux|m68k|mips|msdos|sparc|sun|unix|vax|AVR|MIPSEB|MIPSEL|PPC|WIN32|WIN64|WINNT|"
    r"(?:U?INT(?:_LEAST|_FAST)?\d+|U?INTPTR|U?INTMAX|PTRDIFF|SIG_ATOMIC|SIZE|WCHAR|WINT)_(?:MIN|MAX|WIDTH|C)|"
    r"\w*_t"
)


def identifier(text: str) -> str:
    """A name in C that is as near to `text` as can be."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", text).lstrip("_")
    if not name or name[0].isdigit() or _RESERVED.fullmatch(name):
        return f"tensor_{name}"
    return name


def names(text: str, dims: int) -> list[str]:
    """What the header of an array called `text`, of a tensor of so many dimensions, may define."""
    name = identifier(text)
    macros = ["H", "SIZE", "BITS", "VALUES_PER_WORD", "DIMS", *(f"DIM_{axis}" for axis in range(dims))]
    arrays = [name, *(f"{name}_{each}" for each in ("scales", "scale_exponents", "zero_points"))]
    return [*arrays, *(f"{name.upper()}_{each}" for each in macros)]


def write(words: Words, manifest: Manifest, name: str) -> Iterator[bytes]:
    """The content of a file: numbers are decimal where a word is one value, else hexadecimal.

    C knows no arrays without elements: that of an empty tensor has one, a 0, and its `_SIZE` is 0.
    """
    name = identifier(name)
    macro = name.upper()
    sizes = "".join(f"#define {macro}_DIM_{axis} {size}\n" for axis, size in enumerate(manifest.shape))
    yield (
        f"/* {_summary(manifest)} */\n#ifndef {macro}_H\n#define {macro}_H\n\n#include <stdint.h>\n\n"
        f"#define {macro}_SIZE {len(words)}\n#define {macro}_BITS {manifest.bits}\n"
        f"#define {macro}_VALUES_PER_WORD {manifest.values_per_word}\n"
        f"#define {macro}_DIMS {len(manifest.shape)}\n{sizes}\n"
    ).encode()
    yield from _array(
        f"{manifest.container}_t", name, _literals(words, manifest), manifest.words_per_line or 1
    )
    if manifest.scales is not None:
        kind = "float" if all(float(np.float32(scale)) == scale for scale in manifest.scales) else "double"
        literals = [_floating(scale, kind) for scale in manifest.scales]
        yield from _array(kind, f"{name}_scales", literals, 4)
    if manifest.scale_exponents is not None:
        yield f"/* {name}_scales[i] is 2 to the power of {name}_scale_exponents[i] */\n".encode()
        yield from _integers("int16_t", f"{name}_scale_exponents", manifest.scale_exponents)
    if manifest.zero_points is not None:
        yield from _integers("int32_t", f"{name}_zero_points", manifest.zero_points)
    yield f"#endif /* {macro}_H */\n".encode()


def _summary(manifest: Manifest) -> str:
    shape = " x ".join(map(str, manifest.shape)) or "one value"
    kind = "signed" if manifest.signed else "unsigned"
    parts = [shape, f"{manifest.bits} bits {kind}", f"{manifest.order} order"]
    if manifest.channels_last:
        parts.append("channels last")
    if manifest.values_per_word > 1:
        parts.append(f"{manifest.values_per_word} values a word, the first in the lowest bits")
    if manifest.axis is not None:
        parts.append(f"scales along dimension {manifest.axis}")
    if manifest.group_size is not None:
        parts.append(f"a scale for each {manifest.group_size} values")
    return ", ".join(parts)


def _literals(words: Words, manifest: Manifest) -> list[str]:
    numbers = to_integers(words, manifest.word_signed).tolist()
    if manifest.values_per_word > 1:
        digits = -(-words.width // 4)
        suffix = "u" if words.width <= 32 else "ull"
        return [f"0x{number:0{digits}x}{suffix}" for number in numbers]
    suffix = "" if manifest.signed or manifest.bits < 32 else "u"
    return [f"{number}{suffix}" for number in numbers]


def _array(kind: str, name: str, literals: Sequence[str], per_line: int) -> Iterator[bytes]:
    yield f"static const {kind} {name}[{max(1, len(literals))}] = {{\n".encode()
    yield from decimals_in_lines(literals or ["0"], per_line)
    yield b"};\n\n"


def _integers(kind: str, name: str, numbers: Sequence[int]) -> Iterator[bytes]:
    return _array(kind, name, list(map(str, numbers)), 12)


def _floating(value: float, kind: str) -> str:
    """A literal that C reads back as the same number: 9 digits for float, 17 for double."""
    text = f"{value:.{9 if kind == 'float' else 17}g}"
    point = "" if "." in text or "e" in text else ".0"
    return f"{text}{point}{'f' if kind == 'float' else ''}"


def read(content: bytes, coding: Coding) -> Words:
    """The words of the first array of integers in a header.

    Raises:
        BadContent: what is wrong, with its line.
    """
    text, match = _found(content)
    body = match[3].rstrip().removesuffix(b",")
    tokens = body.split(b",") if body.strip() else []
    size = _NUMBER.fullmatch(match[2])
    if size and int(size[1], 0) != len(tokens):
        line = text.count(10, 0, match.start()) + 1
        raise BadContent(f"line {line}: an array of {int(size[1], 0)} numbers has {len(tokens)}")
    if _SIZE.search(text) and [token.strip() for token in tokens[:2]] == [b"0"]:
        tokens = []
    try:
        return from_integers(_numbers(tokens), coding.word_bits, coding.word_signed)
    except BadToken as error:
        before = b",".join(body.split(b",")[: error.index + 1]).rstrip()
        line = text.count(10, 0, match.start(3)) + before.count(10) + 1
        raise BadContent(f"line {line}: {error}") from None


def describe(content: bytes) -> dict[str, Any]:
    """The type of the array."""
    return {"container": _found(content)[1][1].decode()}


def _found(content: bytes) -> tuple[bytes, re.Match[bytes]]:
    """The header without its comments, and the array in it."""
    text = without_comments(content, _COMMENT, b"/")
    match = _ARRAY.search(text)
    if not match:
        raise BadContent("has no whole array of intN_t or uintN_t")
    return text, match


def _numbers(tokens: list[bytes]) -> list[int]:
    """The integers, at once where all of them are plain decimal ones."""
    if not _NOT_AS_IN_C.search(b",".join(tokens)):
        try:
            return list(map(int, tokens))
        except ValueError:
            pass  # hexadecimal, or a suffix, or something wrong
    numbers = []
    for index, token in enumerate(tokens):
        match = _NUMBER.fullmatch(token.strip())
        if not match or len(token) > 100:
            raise BadToken(index, f"expected an integer but got {quoted(token.strip())}")
        numbers.append(int(match[1], 0))
    return numbers


FORMAT = Format(".h", write, read, per_line=12, widest=64, describe=describe)
