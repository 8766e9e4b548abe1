"""The site and the manual page: `make docs` builds both, with every warning an error."""

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

from docutils import nodes  # type: ignore[import-untyped]
from pygments.lexer import Lexer, do_insertions  # type: ignore[attr-defined]
from pygments.token import Generic
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

import pybridge.commands  # registers them, so that the lexer knows their names
from pybridge import cli
from pybridge.prompt.highlight import TorchTclLexer

logger = logging.getLogger(__name__)


class TclSessionLexer(Lexer):
    """What one types at the prompt, highlighted as Tcl, and the answers, which are not."""

    name = "Tcl session"
    aliases = ("tclsession",)

    def get_tokens_unprocessed(self, text: str) -> Iterator[tuple[int, Any, str]]:
        code, prompts = "", []
        for line in text.splitlines(keepends=True):
            if line.startswith(("% ", "> " if code else "% ")):
                prompts.append((len(code), [(0, Generic.Prompt, line[:2])]))
                code += line[2:]
                continue
            yield from do_insertions(prompts, TorchTclLexer().get_tokens_unprocessed(code))
            yield 0, Generic.Output, line
            code, prompts = "", []
        yield from do_insertions(prompts, TorchTclLexer().get_tokens_unprocessed(code))


project = "tcltorch"
author = copyright = "the tcltorch developers"
release = version = pybridge.__version__

extensions = ["myst_parser"]
exclude_patterns = ["pictures"]
myst_heading_anchors = 3
smartquotes = False  # quotes and dashes are Tcl's
nitpicky = True

html_theme = "furo"
html_title = f"tcltorch {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_use_index = False  # Markdown pages fill none; the reference lists all commands
html_show_sphinx = False
html_theme_options: dict[str, list[str]] = {"top_of_page_buttons": []}  # they lead to a public repository

man_pages: list[tuple[str, str, str, list[str], str]] = [
    ("reference/index", "torch", "PyTorch commands for Tcl", [], "n"),
    ("reference/tcltorch", "tcltorch", (cli.__doc__ or "").partition(": ")[2].rstrip("."), [], "1"),
]
_SYNOPSIS = """\
package require torch
torch::COMMAND ?word ...? ?-option value ...?
torch COMMAND ?word ...? ?-option value ...?"""
_SEE_ALSO = "tcltorch(1), tclsh(1)"
# Names of commands are not hyphenated, and so lines are not stretched to the same length. At the end of an
# example groff's macro EE goes back to the hyphenation in HY.
_WHOLE_WORDS = ".nr HY 0\n.nh\n.ad l\n"


class ManualPages(SphinxPostTransform):
    """The reference as a manual page: a section for each family, and in it one for each command."""

    default_priority = 900  # once links are resolved
    builders = ("man",)

    def run(self, **_: Any) -> None:
        for reference in list(self.document.findall(nodes.reference)):
            if not urlsplit(reference.get("refuri", "")).scheme:  # there are no other pages to go to
                reference.replace_self(reference.children)
        if self.env.docname == "reference/index":
            self.arrange(self.document[0])
        self.document[0].insert(1, nodes.raw("", _WHOLE_WORDS, format="manpage"))

    def arrange(self, page: nodes.section) -> None:
        families = [
            each
            for file in page.findall(addnodes.start_of_file)
            for each in file.children  # Sphinx has not made it their parent
            if isinstance(each, nodes.section) and file["docname"] != "reference/tcltorch"
        ]
        title, *introduction, calling = page[: 1 + page.first_child_matching_class(nodes.section)]
        page[:] = [
            title,
            section("Synopsis", nodes.literal_block(_SYNOPSIS, _SYNOPSIS)),
            section("Description", *introduction, *calling[1:]),
            *families,
            section("See also", nodes.paragraph(_SEE_ALSO, _SEE_ALSO)),
        ]


class Captions(SphinxPostTransform):
    """A picture's description, the alternative text of Markdown, is read below it by all."""

    default_priority = 900
    builders = ("html",)

    def run(self, **_: Any) -> None:
        for image in list(self.document.findall(nodes.image)):
            paragraph, text = image.parent, image["alt"]
            caption = nodes.caption(text, text)
            image["alt"] = ""  # or it would be read out twice
            name = f"picture-{PurePath(image['uri']).stem}"
            paragraph.replace_self(nodes.figure("", *paragraph, caption, ids=[name]))


def section(title: str, *content: nodes.Node) -> nodes.section:
    return nodes.section("", nodes.title(title, title), *content, ids=[title])


def check_external_links(_app: Sphinx, document: nodes.document) -> None:
    """Warn of a link to the outside that has no right form; whether it answers is not asked."""
    for reference in document.findall(nodes.reference):
        address = urlsplit(reference.get("refuri", ""))
        if address.scheme and not (address.scheme == "https" and "." in (address.hostname or "")):
            logger.warning("no https link: %s", reference["refuri"], location=reference)


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.add_lexer("tcl", TorchTclLexer)
    app.add_lexer("tclsession", TclSessionLexer)
    app.add_post_transform(ManualPages)
    app.add_post_transform(Captions)
    app.connect("doctree-read", check_external_links)
