"""Sphinx's settings; `make docs`."""

import re
import sys
from pathlib import Path
from urllib.parse import quote

from docutils import nodes
from sphinx import addnodes
from sphinx.util import logging

DOCS = Path(__file__).parents[1]
sys.path.insert(0, str(DOCS))

import clearprop  # noqa: E402
from website import making  # noqa: E402
from website.public_names import missing  # noqa: E402

project = "clearprop"
author = "The clearprop developers"
copyright = author  # noqa: A001 - Sphinx's own word
version = release = clearprop.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "website.docstrings",
    "website.mathml",
]
root_doc = "index"
source_suffix = {".md": "markdown"}
exclude_patterns = ["website", "notes_checked/by_hand.md", "**/.ipynb_checkpoints"]

myst_enable_extensions = ["dollarmath", "attrs_inline", "deflist"]
myst_heading_anchors = 3
myst_links_external_new_tab = False
highlight_language = "none"  # where a block names none, it is a terminal or a text

# Docstrings: numpydoc's sections; a single backtick is code, as it is in the source.
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_param = False  # names that share a description stay together
napoleon_custom_sections = [("Attributes", "params_style")]
napoleon_preprocess_types = False
default_role = "code"
autodoc_member_order = "alphabetical"
autodoc_typehints = "none"  # the docstrings give types with shapes

nitpicky = True
nitpick_ignore_regex = [(r"py:(class|data|obj|exc)", r".*")]  # types: NumPy's, inner ones, and words

html_theme = "furo"
html_title = "clearprop"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#1f5f99",
        "color-brand-content": "#1f5f99",
        "code-font-size": "0.76em",
        "plot-first": "#1f5f99",
        "plot-second": "#b3541e",
        "plot-third": "#2e7d4f",
    },
    "dark_css_variables": {
        "color-brand-primary": "#7cb8ee",
        "color-brand-content": "#7cb8ee",
        "plot-first": "#7cb8ee",
        "plot-second": "#f0a36b",
        "plot-third": "#7fd0a0",
    },
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

#: links of pages that GitHub shows -> their pages here
_ELSEWHERE = {
    "../benchmarks/results/speed.md": "/reference/measured.md",
    "../CONTRIBUTING.md": "/reference/contributing.md",
    "../CHANGELOG.md": "/reference/changelog.md",
}


_PLACE = re.compile(r"[\w/-]*\*\n")  #: a line of a table of contents such as `workshop/*`


def _lead_inside(app, docname, source):
    """Links out of docs that have a page of the site lead there; places kept for chapters to come are dropped."""
    for outside, inside in _ELSEWHERE.items():
        source[0] = source[0].replace(f"]({outside})", f"]({inside})")
    if docname == root_doc:
        folder = Path(app.srcdir)
        lines = source[0].splitlines(keepends=True)
        kept = [
            line for line in lines if not _PLACE.fullmatch(line) or any(folder.glob(line.strip() + ".md"))
        ]
        source[0] = "".join(kept)


def _open_in_place(app, doctree, docname):
    """A file that a page leads to, such as a report, is opened by the browser, not put among the downloads."""
    for node in list(doctree.findall(addnodes.download_reference)):
        if "filename" in node:
            target = "../" * docname.count("/") + "_downloads/" + quote(node["filename"])
            node.replace_self(nodes.reference("", "", *node.children, refuri=target))


def _require_every_name(app, environment):
    """A public name without an entry is a warning, and so an error of `make docs`."""
    documented = {
        name.removeprefix("clearprop.") for name, *_ in environment.domains.python_domain.get_objects()
    }
    for name in missing(clearprop.__all__, documented):
        logging.getLogger(__name__).warning(
            "clearprop.%s has no entry in the reference, or no docstring; GROUPS of docs/website/public_names.py "
            "says where it stands",
            name,
        )


def setup(app):
    """Write the pages that are made, and check what is built."""
    making.write(Path(app.srcdir) / "reference")
    app.connect("source-read", _lead_inside)
    app.connect("doctree-resolved", _open_in_place)
    app.connect("env-check-consistency", _require_every_name)
