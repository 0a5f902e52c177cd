"""The documentation as a site: `make docs`. Nothing is fetched, and a warning fails the build."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from evenly import __version__

project = "Evenly"
author = "The Evenly contributors"
copyright = author
version = release = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "_ext.docstrings",
    "_ext.made",
    "_ext.mathml",
    "_ext.links",
]
# Pages that the build makes end in .myst: git ignores them, and so do the tests of what is written.
source_suffix = {".md": "myst-nb", ".myst": "myst-nb", ".ipynb": "myst-nb"}
root_doc = "index"
exclude_patterns = ["_ext", "_static", "pictures"]
nitpicky = True
default_role = "code"

myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_fence_as_directive = ["math"]
myst_heading_anchors = 4
nb_execution_mode = "cache"
nb_execution_raise_on_error = True
nb_execution_timeout = 120

autodoc_typehints = "none"
autodoc_member_order = "bysource"

html_theme = "furo"
html_title = "Evenly"
html_static_path = ["_static"]
html_css_files = ["evenly.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1f53c4", "color-brand-content": "#1f53c4",
                            "color-brand-visited": "#5b3fb0"},
    "dark_css_variables": {"color-brand-primary": "#8db2ff", "color-brand-content": "#8db2ff",
                           "color-brand-visited": "#c3b1ff"},
}
pygments_style = "friendly"
pygments_dark_style = "native"
