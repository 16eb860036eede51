"""How the documentation is built: `python -m sphinx -W --keep-going -b html docs docs/_build/html`.

Nothing is fetched, at build or view time. The notebooks are run anew, since their outputs belong to this version.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import hetero_rsnn

if find_spec("torch") is None:
    sys.exit('the reference describes what is made of torch, which is not installed: pip install ".[docs,gradient]"')

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "_ext"))

import gallery_figures  # noqa: E402
import notebook_copies  # noqa: E402
import reference_pages  # noqa: E402

project = "hetero_rsnn"
author = "The hetero_rsnn developers"
copyright = f"{author}. BSD-3-Clause. Version {hetero_rsnn.__version__}"
release = version = hetero_rsnn.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "numpydoc",
    "myst_nb",
    "sphinx_design",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "command_help",
    "docstrings",
    "mathml",
    "optional_pages",
    "reference_pages",
    "repository_links",
]
templates_path = ["_templates"]
exclude_patterns = [
    "search.md", "gallery", "_build", "_ext", "_templates", "**/.ipynb_checkpoints", "_generated/gallery/*.ipynb",
    "_generated/gallery/sg_execution_times.rst",
]  # fmt: skip
suppress_warnings = ["config.cache"]  # of functions in the settings of the gallery

# What Sphinx finds below its own folder: notebooks, and the reference in groups.
notebook_copies.copy_all(HERE.parent / "notebooks", HERE / "_generated" / "notebooks")
reference_pages.write_pages(HERE)
gallery_figures.remove_placeholders(HERE / "_generated" / "gallery")

# Pages and notebooks
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_dmath_allow_space = False
html_math_renderer = "mathml"
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_timeout = 120
nb_execution_in_temp = True  # what a notebook writes is no part of the pages
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_merge_streams = True
copybutton_exclude = ".linenos, .gp, .go"
os.environ["IPYTHONDIR"] = str(notebook_copies.write_profile(HERE / "_generated" / "ipython"))

# Gallery: each script of docs/gallery is run, unless `-D plot_gallery=0` says otherwise
sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "_generated/gallery",
    "backreferences_dir": "_generated/backreferences",
    "within_subsection_order": "FileNameSortKey",
    "image_scrapers": (gallery_figures.scrape,),
    "reset_modules": ("matplotlib",),
    "abort_on_example_error": True,
    "min_reported_time": 1000,
    "show_memory": False,
    "show_signature": False,
    "download_all_examples": False,
    "thumbnail_size": (400, 280),
    "write_computation_times": False,
}

# Reference
default_role = "py:obj"
autosummary_generate = True
# Some file systems know no capitals: a class that is called like a function gets another file.
autosummary_filename_map = {
    f"hetero_rsnn.{name}": f"hetero_rsnn.{name}-class"
    for name in hetero_rsnn.__all__
    if name[0].isupper() and name.lower() in hetero_rsnn.__all__
}
autodoc_typehints = "none"  # the docstrings say types, with shapes and units
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False
autodoc_default_options = {
    "members": True,
    # What scikit-learn adds to estimators that take more than X and y.
    "exclude-members": "set_fit_request, set_partial_fit_request, set_score_request, set_predict_request",
}
numpydoc_show_class_members = False  # autodoc lists the members that have a docstring
numpydoc_attributes_as_param_list = True
numpydoc_xref_param_type = True
numpydoc_xref_ignore = "all"  # but for our own names: no other documentation is at hand without a network
numpydoc_xref_aliases = {name: f"hetero_rsnn.{name}" for name in hetero_rsnn.__all__ if name[0].isupper()}
toc_object_entries_show_parents = "hide"
python_maximum_signature_line_length = 88
add_module_names = False

# Look
html_theme = "pydata_sphinx_theme"
html_title = "hetero_rsnn"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_js_files = ["mend.js"]
html_favicon = "_static/favicon.svg"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "hetero_rsnn", "image_light": "_static/logo.svg", "image_dark": "_static/logo-dark.svg"},
    "header_links_before_dropdown": 7,
    "navbar_end": ["theme-switcher"],
    "show_prev_next": True,
    "show_toc_level": 2,
    "navigation_depth": 3,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"index": [], "changelog": [], "citing": []}


def setup(app: Any) -> None:
    """Make the folder that the theme copies its logo to: without it a build that fails leaves a file in its place."""
    app.connect("builder-inited", lambda app: (Path(app.outdir) / "_static").mkdir(parents=True, exist_ok=True))
