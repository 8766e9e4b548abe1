"""All formats, by name. A new one is a module with a `Format` and a line here."""

from pybridge.hardware import c_header, coe, intel_hex, json, mif, npy, readmem
from pybridge.hardware.manifest import Coding
from pybridge.quant.arguments import BadArgument, check_choice

FORMATS = {
    "readmemh": readmem.HEXADECIMAL,
    "readmemb": readmem.BINARY,
    "coe": coe.FORMAT,
    "mif": mif.FORMAT,
    "intel_hex": intel_hex.FORMAT,
    "c_header": c_header.FORMAT,
    "npy": npy.FORMAT,
    "json": json.FORMAT,
}


def check_format(format: str) -> None:
    """Refuse a name that is no format's."""
    check_choice(format, "format", tuple(FORMATS))


def check_coding(format: str, coding: Coding) -> None:
    """Refuse what a format cannot do, or would ignore.

    Raises:
        BadArgument: the words are too wide, or have an order of bytes.
    """
    widest = FORMATS[format].widest
    if coding.word_bits > widest:
        raise BadArgument(
            "values_per_word",
            f"values_per_word must give words of at most {widest} bits for format {format} "
            f"but gives {coding.word_bits}",
        )
    if coding.byte_order != "little" and format != "intel_hex":
        raise BadArgument("byte_order", f"byte_order big is for format intel_hex, not for {format}")
