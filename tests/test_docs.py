"""What README and docs say is true: their code runs, their links lead somewhere, their numbers hold."""

import html
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import torch
from safetensors import safe_open

import pybridge
from pybridge import Interpreter
from pybridge.cli import USAGE
from pybridge.documentation import purpose
from pybridge.registry import COMMANDS, families
from tests.daemons import Nursery
from tests.documents import MODEL_FILE, ROOT, Page, blocks

DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text(encoding="utf-8")
STARTS_A_DAEMON = "daemon.md"
HAS_WORKERS = "in-your-tool.md"  # of its own, and no daemon; they are forks
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]


def page_runs(
    text: str, folder: Path, monkeypatch: pytest.MonkeyPatch, runtime: Path | None = None, **more: str
) -> list[str]:
    monkeypatch.chdir(folder)
    return Page(folder, runtime, more).run(text)


@pytest.fixture(scope="module")
def runtime(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where programs find a daemon, so that not each has to import PyTorch."""
    daemon = nursery.daemon(tmp_path_factory.mktemp("runtime"))
    yield daemon.runtime
    daemon.stop()


# -- the code blocks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_code_of_the_page(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runtime: Path, forking_python: Path
) -> None:
    text = path.read_text(encoding="utf-8")
    found = None if path.name in (STARTS_A_DAEMON, HAS_WORKERS) else runtime
    more = {"TORCH_TCL_PYTHON": str(forking_python)} if path.name == HAS_WORKERS else {}
    failures = page_runs(text, tmp_path, monkeypatch, found, **more)
    assert not failures, "\n\n".join(f"{path.name}, {failure}" for failure in failures)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("```tcl\nputs 1\n```\n```output\n2\n```\n", "shows\n2\nbut it prints\n1\n", id="output"),
        pytest.param("```tcl\nputs 1\n```\n", "prints\n1\n", id="output that is not shown"),
        pytest.param("```tcl\nset x 1\n```\n```output\n1\n```\n", "shows\n1\n", id="no output"),
        pytest.param("```tcl\nnope\n```\n", 'invalid command name "nope"', id="an error"),
        pytest.param("```output\n1\n```\n", "output of nothing", id="output alone"),
        pytest.param("```toml\nx = 1\n```\n```output\n1\n```\n", "output of nothing", id="output of data"),
        pytest.param("```tclsession\n% expr 1\n2\n```\n", "prints\n% expr 1\n1\n", id="a session"),
        pytest.param("```tclsession\nnothing typed\n```\n", "nothing is typed", id="no session"),
        pytest.param("```python\n1 / 0\n```\n", "ZeroDivisionError", id="Python"),
        pytest.param("```console\n$ tcltorch -c 'puts 1'\n2\n```\n", "1\n", id="a shell"),
        pytest.param("```sh\ntcltorch -c 'exit 3'\n```\n", "status 3", id="a status"),
        pytest.param("```sh\nmake no_such_target\n```\n", "no_such_target", id="make"),
        pytest.param("```sh\npip install 'x\n```\n", "No closing quotation", id="an installation"),
        pytest.param("```sh\nwget x\n```\n", "wget is not run", id="another program"),
        pytest.param("```toml\n[x\n```\n", "TOMLDecodeError", id="toml"),
        pytest.param("```c\nint x;\n```\n", "no language that is tested", id="a language"),
        pytest.param("```\nputs 1\n```\n", "no language that is tested", id="no language"),
        pytest.param("text\n\n    puts 1\n", "no language that is tested", id="an indented block"),
        pytest.param("<!-- file: x.py -->\n```python\n1\n```\n", "nothing runs x.py", id="a file"),
        pytest.param("1. x\n   ```tcl\n   nope\n   ```\n", "invalid command name", id="in a list"),
    ],
)
def test_a_page_that_is_wrong(
    text: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (failure,) = page_runs(text, tmp_path, monkeypatch)
    assert complaint in failure


def test_blocks_build_on_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "```tcl\nset x 1; puts $x\n```\n```output\n1\n```\n"
        "```tclsession\n% incr x\n2\n% proc f {} {\n>     error boom\n> }\n% f\nboom\n```\n"
        "<!-- file: x.tcl -->\n```tcl\nputs [lindex $argv 0]\n```\n"
        "```console\n$ tcltorch x.tcl \\\n>     a\na\n```\n"
        "```python\ny = 1\n```\n```python\nprint(y, 2, 'z')\n```\n```output\n1 ... z\n```\n"
        "<!-- new session -->\n```tclsession\n% info exists x\n0\n```\n"
    )
    assert page_runs(text, tmp_path, monkeypatch) == []


def test_the_example_of_the_readme_is_pytorchs() -> None:
    weight = torch.tensor([[0.11, -0.42, 0.93], [2.5, -1.75, 0.25]])
    scales = weight.abs().max(1).values / 7
    int4 = torch.fake_quantize_per_channel_affine(weight, scales, torch.zeros(2, dtype=torch.int32), 0, -8, 7)
    error = (weight - int4).square().mean().item()
    shown = blocks(README)[1].text
    rows = re.findall(r"^\[\d\] +(.*)$", shown, re.MULTILINE)
    assert [row.split() for row in rows] == [[f"{x:.4f}" for x in row] for row in int4.tolist()]
    assert f"mean squared error {error!r}\n" in shown


# -- numbers and messages --------------------------------------------------------------------------------


def test_the_number_of_commands_in_the_readme() -> None:
    (count,) = re.findall(r"\| commands \| (\d+),", README)
    assert int(count) == len(COMMANDS)


def test_the_size_of_the_demos_model() -> None:
    with safe_open(MODEL_FILE, framework="pt") as file:
        tensors = [file.get_tensor(name) for name in file.keys()]  # noqa: SIM118  # not a dict
    parameters = sum(tensor.numel() for tensor in tensors if tensor.is_floating_point())
    assert f"({parameters / 1e6:.1f} M parameters)" in README
    assert f"{parameters / 1e6:.1f} million parameters" in (DOCS / "tutorial.md").read_text()


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) < 150


def test_messages_of_the_error_page(tcl: Interpreter) -> None:
    """Each row that shows a call's own words says what the bridge says."""
    page = (DOCS / "errors.md").read_text(encoding="utf-8")
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
        "torch::save_safetensors {quant_min -8} f",
        "torch::load_safetensors f",
    ):
        with pytest.raises(pybridge.TclError) as raised:
            tcl.eval(call)
        assert raised.value.message in page, raised.value.message
        if raised.value.errorcode[0] != "POSIX":
            assert f"`{' '.join(raised.value.errorcode)}`" in page, raised.value.errorcode


def test_tcl_sources_are_ascii() -> None:
    for path in [*(ROOT / "tclpkg").rglob("*.tcl"), *(ROOT / "examples").glob("*.tcl")]:
        assert path.read_bytes().isascii(), path


# -- links and pictures ----------------------------------------------------------------------------------


def slugs(page: Path) -> set[str]:
    """The anchors of the headings of a page, as GitHub and MyST make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def leads_somewhere(link: str, page: Path) -> bool:
    address = urlsplit(link)
    if address.scheme or address.netloc:
        return address.scheme == "https" and "." in (address.hostname or "")
    target = page.parent / address.path if address.path else page
    return target.exists() and (not address.fragment or address.fragment in slugs(target))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not leads_somewhere(link, page)] == []


def test_links_that_lead_nowhere() -> None:
    for link in ("no.md", "README.md#no-such-heading", "http://example.com", "https://localhost/x", "#nope"):
        assert not leads_somewhere(link, ROOT / "README.md"), link
    assert leads_somewhere("docs/memory.md#torchscope", ROOT / "README.md")


def test_pictures_are_small_text_with_a_description() -> None:
    pictures = sorted((DOCS / "pictures").iterdir())
    shown = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    for picture in pictures:
        assert picture.suffix == ".svg"
        assert picture.stat().st_size < 100_000
        assert re.search(rf"!\[[^\]]{{40,}}\]\(pictures/{picture.name}\)", shown), picture.name
    assert pictures


# -- the site and the manual page ------------------------------------------------------------------------


def build(kind: str, docs: Path, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Build as `make docs` does."""
    options = ["-q", "-W", "--keep-going", "-d", str(folder / "doctrees"), "-b", kind]
    words = [sys.executable, "-m", "sphinx", *options, str(docs), str(folder / kind)]
    return subprocess.run(words, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    for kind in ("html", "man"):
        built = build(kind, DOCS, folder)
        assert (built.returncode, built.stderr) == (0, "")
    return folder


def test_the_build_of_the_tests_is_that_of_make() -> None:
    recipe = subprocess.run(
        ["make", "-n", "docs"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for kind in ("html", "man"):
        assert (
            f"-m sphinx -q -W --keep-going -d build/docs/doctrees -b {kind} docs build/docs/{kind}\n"
            in recipe
        )


class Sources(HTMLParser):
    """Collects what a page loads, and its headings and links."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "srcset"}
        value = dict(attrs).get(names.get(tag, ""))
        if value:
            self.loaded.append(value)


def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    pages = list((site / "html").rglob("*.html"))
    assert {page.name for page in pages} >= {"index.html", "tutorial.html", "quantize.html"}
    for page in pages:
        sources = Sources()
        sources.feed(page.read_text(encoding="utf-8"))
        assert sources.loaded
        assert [each for each in sources.loaded if urlsplit(each).netloc] == [], page
        for each in sources.loaded:
            path = urlsplit(each).path
            assert not path or (page.parent / path).exists(), (page, each)
    for style in (site / "html").rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", text), style


def test_every_page_is_in_the_site(site: Path) -> None:
    index = (site / "html" / "index.html").read_text(encoding="utf-8")
    for page in DOCS.glob("*.md"):
        assert f'href="{page.stem}.html"' in index or page.stem == "index", page.name


def test_tcl_is_highlighted(site: Path) -> None:
    tutorial = (site / "html" / "tutorial.html").read_text(encoding="utf-8")
    for language in ("tcl", "tclsession", "console"):
        assert f"highlight-{language}" in tutorial
    assert '<span class="gp">% </span><span class="k">set</span>' in tutorial
    assert '<span class="nf">torch::tensor_max</span>' in tutorial


def test_the_reference_says_what_each_family_is_for(site: Path) -> None:
    index = (site / "html" / "reference" / "index.html").read_text(encoding="utf-8")
    tables = re.findall(r"<tr[^>]*><td>(.*?)</tr>", index, re.DOTALL)
    assert len(tables) == len(families())
    for name, members in families().items():
        (row,) = (each for each in tables if f'href="{name}.html"' in each)
        assert purpose(name)[0] in html.unescape(re.sub("<[^>]*>", "", row)).replace("\n", " ")
        assert re.findall(r'#command-([\w-]+)"', row) == [each.name.replace("_", "-") for each in members]


def test_the_description_of_a_picture_is_its_caption(site: Path) -> None:
    for page in DOCS.glob("*.md"):
        shown = (site / "html" / f"{page.stem}.html").read_text(encoding="utf-8")
        descriptions = re.findall(r"^!\[([^\]]*)\]", page.read_text(encoding="utf-8"), re.MULTILINE)
        captions = re.findall(r'<figcaption>\s*<p><span class="caption-text">(.*?)</span>', shown, re.DOTALL)
        assert [html.unescape(each) for each in captions] == descriptions, page.name


@pytest.fixture(scope="module")
def manual(site: Path) -> dict[str, str]:
    return {page.name: page.read_text(encoding="utf-8") for page in (site / "man").iterdir()}


def test_the_manual_page_has_a_section_for_each_family(manual: dict[str, str]) -> None:
    page = manual["torch.n"]
    assert '.TH "TORCH" "n"' in page
    _head, *sections = re.split(r"^\.SH ", page, flags=re.MULTILINE)
    headings = [each.partition("\n")[0] for each in sections]
    names = ["NAME", "SYNOPSIS", "DESCRIPTION", *map(str.upper, families()), "SEE ALSO", "Copyright"]
    assert headings == names
    assert sections[0].startswith("NAME\ntorch \\- PyTorch commands for Tcl\n")
    assert "package require torch" in sections[1]
    for members, text in zip(families().values(), sections[3:-2], strict=True):
        commands = [name.replace("\\-", "-") for name in re.findall(r"^\.SS (\S+)$", text, re.MULTILINE)]
        assert commands == [each.name for each in members]


def test_the_manual_page_of_the_program_is_its_help(manual: dict[str, str]) -> None:
    sections = re.split(r"^\.SH ", manual["tcltorch.1"], flags=re.MULTILINE)[1:]
    assert [each.partition("\n")[0] for each in sections] == [
        *("NAME", "SYNOPSIS", "DESCRIPTION", "SEE ALSO", "Copyright")
    ]
    assert sections[0].startswith("NAME\ntcltorch \\- tclsh with PyTorch in it\n")
    words = re.sub(r"\\f.|\\&", "", sections[1] + sections[2]).replace("\\-", "-").split()
    told = USAGE.replace("`", "").split()[1:]
    assert [word for word in told if word not in words] == []


@pytest.mark.parametrize("name", ["torch.n", "tcltorch.1"])
def test_a_manual_page_has_no_addresses_of_the_site(manual: dict[str, str], name: str) -> None:
    shown = re.sub(r"^\.EX$.*?^\.EE$", "", manual[name], flags=re.MULTILINE | re.DOTALL)
    assert re.findall(r"<[^>]*>|\S*(?:#command|\.md)\S*", shown) == []


@pytest.mark.parametrize("name", ["torch.n", "tcltorch.1"])
def test_a_manual_page_formats_without_a_warning(site: Path, name: str) -> None:
    if not shutil.which("groff"):
        pytest.skip("groff is not installed")
    words = ["groff", "-k", "-man", "-ww", "-Tutf8", "-P-cbou", "-rLL=80n", str(site / "man" / name)]
    formatted = subprocess.run(words, capture_output=True, encoding="utf-8", timeout=60)
    assert (formatted.returncode, formatted.stderr) == (0, "")
    shown = formatted.stdout.splitlines()
    assert any(line.startswith(f"       {name.partition('.')[0]} - ") for line in shown)
    assert [line for line in shown if line.endswith("\N{HYPHEN}")] == []
    assert [line for line in shown if len(line) > 80] == []


def test_a_site_with_a_mistake_is_not_built(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    shutil.copytree(DOCS, docs)
    for name in ("examples", "README.md", "CHANGELOG.md", "LICENSE"):
        (tmp_path / name).symlink_to(ROOT / name)
    mistakes = {"memory.md#nothing": "nothing", "no_page.md": "no_page.md", "http://x.org": "no https link"}
    with (docs / "tutorial.md").open("a", encoding="utf-8") as page:
        page.write("".join(f"\n[a link]({link})\n" for link in mistakes))
    built = build("dummy", docs, tmp_path)  # reads and checks all, and writes nothing
    assert built.returncode != 0
    for complaint in mistakes.values():
        assert complaint in built.stderr
    assert len(built.stderr.splitlines()) == len(mistakes), built.stderr


def test_the_reference_is_up_to_date() -> None:
    checked = subprocess.run([sys.executable, DOCS / "build.py", "--check"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
