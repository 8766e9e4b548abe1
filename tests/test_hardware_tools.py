"""What tools make of the files: a Verilog simulator loads memories, a C compiler compiles headers."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import torch

from pybridge.hardware import Weight, export_integers, export_model
from pybridge.hardware.c_header import identifier

WIDTHS = range(2, 33)
DEPTH = 12


def needed(*programs: str) -> None:
    for program in programs:
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")


def values(bits: int, signed: bool) -> torch.Tensor:
    """The limits, and others."""
    lowest, highest = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    generator = torch.manual_seed(bits)
    some = torch.randint(lowest, highest + 1, (DEPTH - 4,), generator=generator)
    return torch.cat((torch.tensor([lowest, highest, lowest + 1, highest - 1]), some)).reshape(3, 4)


def test_a_verilog_simulator_loads_every_word(tmp_path: Path) -> None:
    """$readmemh and $readmemb, each width from 2 to 32, signed and unsigned: the numbers that it prints."""
    needed("iverilog", "vvp")
    declared, loaded, expected = [], [], []
    for bits in WIDTHS:
        for signed in (True, False):
            tensor = values(bits, signed)
            for task in ("readmemh", "readmemb"):
                name = f"{task}_{bits}_{signed}".lower()
                export_integers(tensor, str(tmp_path / name), task, bits=bits, signed=signed)
                declared.append(f"reg {'signed' if signed else ''} [{bits - 1}:0] {name} [0:{DEPTH - 1}];")
                show = f'for (i = 0; i < {DEPTH}; i = i + 1) $display("%0d", {name}[i]);'
                loaded.append(f'${task}("{name}", {name}); {show}')
                expected += tensor.flatten().tolist()
    assert run_verilog(tmp_path, declared, loaded) == list(map(str, expected))


def test_a_verilog_simulator_loads_packed_words(tmp_path: Path) -> None:
    """The first value of a word is in its lowest bits."""
    needed("iverilog", "vvp")
    tensor = values(5, True)
    export_integers(tensor, str(tmp_path / "packed"), "readmemh", bits=5, values_per_word=8, words_per_line=2)
    assert run_verilog(
        tmp_path,
        ["reg [39:0] m [0:1]; reg signed [4:0] v;"],
        [
            '$readmemh("packed", m);',
            f"for (i = 0; i < {DEPTH}; i = i + 1) begin",
            'v = m[i / 8][5 * (i % 8) +: 5]; $display("%0d", v); end',
        ],
    ) == list(map(str, tensor.flatten().tolist()))


def run_verilog(folder: Path, declared: list[str], statements: list[str]) -> list[str]:
    """What a test bench prints."""
    bench = ["module bench;", "integer i;", *declared, "initial begin", *statements, "end", "endmodule", ""]
    (folder / "bench.v").write_text("\n".join(bench))
    for command in (["iverilog", "-Wall", "-o", "bench", "bench.v"], ["vvp", "-n", "bench"]):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout.splitlines()


def compiled(folder: Path, headers: list[str], statements: list[str], standard: str = "c99") -> str:
    """What a C program prints."""
    includes = [f'#include "{header}"' for header in headers]
    lines = ["#include <math.h>", "#include <stdio.h>", *includes, "int main(void) { int i;", *statements]
    (folder / "main.c").write_text("\n".join([*lines, "return 0; }\n"]))
    command = ["gcc", f"-std={standard}", "-Wall", "-Wextra", "-Werror", "-pedantic", "-o", "main", "main.c"]
    done = subprocess.run([*command, "-lm"], cwd=folder, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return subprocess.run(["./main"], cwd=folder, capture_output=True, text=True, check=True).stdout


STANDARDS = pytest.mark.parametrize("standard", ["c99", "c17"])


@STANDARDS
def test_a_c_compiler_takes_the_header_of_every_width(tmp_path: Path, standard: str) -> None:
    needed("gcc")
    headers, prints, expected = [], [], []
    for bits in (2, 7, 8, 9, 16, 17, 31, 32):
        for signed in (True, False):
            tensor = values(bits, signed)
            name = f"w{bits}{'s' if signed else 'u'}"
            headers.append(f"{name}.h")
            export_integers(tensor, str(tmp_path / headers[-1]), "c_header", bits=bits, signed=signed)
            show = f'printf("%lld\\n", (long long){name}[i]);'
            prints.append(f"for (i = 0; i < {name.upper()}_SIZE; i++) {show}")
            expected += tensor.flatten().tolist()
    assert compiled(tmp_path, headers, prints, standard).splitlines() == list(map(str, expected))


@STANDARDS
def test_a_c_compiler_takes_packed_words_and_scales(tmp_path: Path, standard: str) -> None:
    """The header of them, too, when it is included twice."""
    needed("gcc")
    scales = torch.rand(3, generator=torch.manual_seed(1)) * 1e-3
    export_integers(
        values(4, True),
        str(tmp_path / "packed.h"),
        "c_header",
        bits=4,
        values_per_word=16,
        axis=0,
        scales=scales.tolist(),
        zero_points=[-(2**31), 0, 7],
    )
    word, *scaled = compiled(
        tmp_path,
        ["packed.h", "packed.h"],
        [
            'printf("%llx %d\\n", (unsigned long long)packed[0], PACKED_DIM_1);',
            'for (i = 0; i < 3; i++) printf("%a %d\\n", packed_scales[i], (int)packed_zero_points[i]);',
        ],
        standard,
    ).splitlines()
    packed = sum((value % 16) << 4 * place for place, value in enumerate(values(4, True).flatten().tolist()))
    assert word == f"{packed:x} 4"
    assert [float.fromhex(line.split()[0]) for line in scaled] == scales.tolist()
    assert [line.split()[1] for line in scaled] == [str(-(2**31)), "0", "7"]


@STANDARDS
def test_a_c_compiler_takes_no_values_and_scales_that_are_doubles(tmp_path: Path, standard: str) -> None:
    needed("gcc")
    doubles = [1 / 3, 1.0, 2.0**-200]
    none = torch.zeros(3, 0, dtype=torch.int8)
    export_integers(none, str(tmp_path / "none.h"), "c_header", scales=doubles, axis=0)
    *scaled, size = compiled(
        tmp_path,
        ["none.h"],
        [
            'for (i = 0; i < 3; i++) printf("%a\\n", none_scales[i]);',
            'printf("%d\\n", NONE_SIZE);',
        ],
        standard,
    ).splitlines()
    assert list(map(float.fromhex, scaled)) == doubles
    assert size == "0"


def test_scales_that_are_shifts_in_c(tmp_path: Path) -> None:
    """The exponents give what the scales do: integers are shifted, not multiplied."""
    needed("gcc")
    scales = [1.0, 0.5, 2.0**-126, 2.0**127, 2.0**-1074]
    integers = torch.arange(1, 6)
    for name, given in (("wide", scales), ("narrow", scales[:4])):
        count = len(given)
        path = str(tmp_path / f"{name}.h")
        export_integers(integers[:count], path, "c_header", bits=8, scales=given, axis=0)
    printed = compiled(
        tmp_path,
        ["wide.h", "narrow.h"],
        [
            'for (i = 0; i < 5; i++) printf("%a ", ldexp(wide[i], wide_scale_exponents[i]));',
            'for (i = 0; i < 4; i++) printf("%a ", ldexpf(narrow[i], narrow_scale_exponents[i]));',
        ],
    )
    products = [number * scale for number, scale in zip(range(1, 6), scales, strict=True)]
    assert list(map(float.fromhex, printed.split())) == [*products, *products[:3], float("inf")]


def test_a_c_compiler_takes_the_headers_of_a_model_together(tmp_path: Path) -> None:
    """Names that look like what the header of another one defines, or like what the compiler does."""
    needed("gcc")
    model = [
        "w",
        "w_scales",
        "w_scale_exponents",
        "W_zero_points",
        "a",
        "A_SIZE",
        "a_dim_0",
        "A_DIM_1",
        "A_H",
        "a_h",
        "A_BITS",
    ]
    model += [
        "A_DIMS",
        "a_values_per_word",
        "linux",
        "unix",
        "i386",
        "INT8_MAX",
        "UINT32_C",
        "SIZE_MAX",
        "main",
    ]
    weights = [
        Weight(name, values(4, True), bits=4, axis=1, scales=[0.5] * 4, zero_points=[1] * 4) for name in model
    ]
    export_model(weights, str(tmp_path), "c_header")
    index = json.loads((tmp_path / "index.json").read_text())["weights"]
    assert list(index) == model
    includes = [f'#include "{index[name]["file"]}"' for name in (*model, *reversed(model))]
    (tmp_path / "main.c").write_text("\n".join([*includes, "int main(void) { return w[0]; }\n"]))
    for standard in ("gnu99", "c17"):
        command = ["gcc", f"-std={standard}", "-Wall", "-Wextra", "-Werror", "-Wno-unused-const-variable"]
        done = subprocess.run(
            [*command, "-c", "main.c"], cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_no_array_is_called_like_a_macro_of_the_compiler() -> None:
    needed("gcc")
    command = ["gcc", "-dM", "-E", "-include", "stdint.h", "-x", "c", "/dev/null"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    macros = {line.split()[1].partition("(")[0] for line in told.splitlines()}
    assert "INT8_MAX" in macros
    for macro in macros:
        assert identifier(macro) != macro
