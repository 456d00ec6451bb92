"""How Sphinx makes the site of the pages that docs/build.py has put together."""

import re
import sys
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))  # mathml

import mds_sim  # noqa: E402  # after the path, as what follows is configuration

project = "mds_sim"
author = "the mds_sim developers"
project_copyright = author
version = release = version_of("mds-sim")
language = "en-GB"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "mathml",
]
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb", ".ipynb": "myst-nb"}
exclude_patterns = ["notebooks/original"]
templates_path = [str(DOCS / "_templates")]

# Notebooks are shown as they are: to run them is the work of `make notebooks`.
nb_execution_mode = "off"
nb_merge_streams = True
nb_render_markdown_format = "gfm"  # outputs have tables
myst_enable_extensions = ["dollarmath", "colon_fence", "html_image"]
myst_heading_anchors = 4
html_math_renderer = "mathml"

# The docstrings say which types they take; signatures need not say it again.
autodoc_typehints = "none"
autodoc_preserve_defaults = True
autodoc_default_options = {"member-order": "bysource"}
autosummary_generate = True
autosummary_ignore_module_all = False
numpydoc_show_class_members = False
numpydoc_use_plots = False
toc_object_entries_show_parents = "hide"
default_role = "py:obj"  # a name in single quotes links to its page, if it has one
maximum_signature_line_length = 79
python_use_unqualified_type_names = True


def _differ_by_more_than_case(names: list[str]) -> dict[str, str]:
    """Rename the pages that one file would hold where case does not count."""
    taken: set[str] = set()
    renamed = {}
    for name in sorted(names):  # capitals first: Schedule, then schedule
        if name.lower() in taken:
            renamed[f"mds_sim.{name}"] = f"mds_sim.{name}_"
        taken.add(name.lower())
    return renamed


autosummary_filename_map = _differ_by_more_than_case(mds_sim.__all__)

# Of the themes with a switch between light and dark, axe-core finds nothing serious in
# this one if its branches do not unfold; in Furo, boxes that no keyboard can scroll.
html_theme = "pydata_sphinx_theme"
html_title = "mds_sim"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "navbar_persistent": ["search-button"],
    "navigation_with_keys": False,
    "collapse_navigation": True,
    "header_links_before_dropdown": 7,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
    # Both were made for a contrast of 7 to 1, that of WCAG AAA.
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_context = {"default_mode": "auto"}


def protect_initials(app: Sphinx, what: str, *rest: Any) -> None:
    """Keep "R. Cooper" at the start of a reference from being a list."""
    lines = rest[-1]
    for i, line in enumerate(lines):
        lines[i] = re.sub(r"^(\s*\.\. \[[^]]+\] )([A-Z]\. )", r"\1\\\2", line)


def setup(app: Sphinx) -> None:
    """Join in after numpydoc, which has put the references in order."""
    app.connect("autodoc-process-docstring", protect_initials, priority=900)
