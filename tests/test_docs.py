"""What README and docs say is true: their code runs, their links lead somewhere, their numbers hold."""

import contextlib
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import pybridge
from pybridge import Interpreter
from pybridge.registry import COMMANDS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_example_of_the_readme() -> None:
    (script,) = blocks(README, "tcl")
    weight = torch.tensor([[0.11, -0.42, 0.93], [2.5, -1.75, 0.25]])
    scales = weight.abs().max(1).values / 7
    int4 = torch.fake_quantize_per_channel_affine(weight, scales, torch.zeros(2, dtype=torch.int32), 0, -8, 7)
    error = (weight - int4).square().mean().item()
    words = [sys.executable, "-m", "pybridge", "-c", script]
    printed = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    assert printed == [
        f"quantized to 4 bits: {' '.join(map(repr, int4.flatten().tolist()))}",
        f"mean squared error:  {error!r}",
    ]


def test_the_python_example_of_the_readme() -> None:
    (program,) = blocks(README, "python")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(program, {})
    assert printed.getvalue() == "1.0 1.0 1.0 1.0\n"


def test_the_number_of_commands_in_the_readme() -> None:
    (count,) = re.findall(r"\| commands \| (\d+),", README)
    assert int(count) == len(COMMANDS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not missing


def test_the_commands_page_is_up_to_date() -> None:
    build = ROOT / "docs" / "build.py"
    checked = subprocess.run([sys.executable, build, "--check"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


def test_messages_of_the_error_page(tcl: Interpreter) -> None:
    """Each row that shows a call's own words says what the bridge says."""
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    tcl.eval("set x [torch::ones 2]; set bar [torch::progress_bar 1]; torch::free [torch::ones 1]")
    for call in (
        "torch::tensor_sum",
        "torch::tensor_sum $x -axis 1",
        "torch::info x zeros",
        "torch::tensor_sum $x -dim",
        "torch::tensor_sum -dim 1",
        "torch::tensor_sum $x 1 -dim 1",
        "torch::tensor_sum -dim 1 1",
        "torch::tensor_sum $x one",
        "torch::tensor_create {{1 2 3} {4 5 x}}",
        "torch::tensor_sum tensor9",
        "torch::load_safetensors f",
    ):
        with pytest.raises(pybridge.TclError) as raised:
            tcl.eval(call)
        assert raised.value.message in page, raised.value.message
        if raised.value.errorcode[0] != "POSIX":
            assert f"`{' '.join(raised.value.errorcode)}`" in page, raised.value.errorcode


def test_the_package_index_has_the_same_version() -> None:
    index = (ROOT / "tclpkg" / "pkgIndex.tcl").read_text(encoding="ascii")
    assert f"package ifneeded torch {pybridge.__version__} " in index


def test_tcl_sources_are_ascii() -> None:
    for path in [*(ROOT / "tclpkg").glob("*.tcl"), *(ROOT / "examples").glob("*.tcl")]:
        assert path.read_bytes().isascii(), path
