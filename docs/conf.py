"""The site and the manual page: `make docs` builds both, with every warning an error."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from docutils import nodes  # type: ignore[import-untyped]
from pygments.lexer import Lexer, do_insertions  # type: ignore[attr-defined]
from pygments.token import Generic
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

import pybridge.commands  # registers them, so that the lexer knows their names
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
author = "the tcltorch developers"
copyright = author
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
html_show_sphinx = False
html_theme_options: dict[str, list[str]] = {"top_of_page_buttons": []}  # they lead to a public repository

man_pages = [("reference/index", "torch", "PyTorch commands for Tcl", [author], "n")]


class ManualPageLinks(SphinxPostTransform):
    """In the manual page a link to another page is its text: Sphinx would put an empty address after it."""

    default_priority = 900  # once links are resolved
    builders = ("man",)

    def run(self, **_: Any) -> None:
        for reference in list(self.document.findall(nodes.reference)):
            if not reference.get("refuri"):
                reference.replace_self(reference.children)


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
    app.add_post_transform(ManualPageLinks)
    app.connect("doctree-read", check_external_links)
