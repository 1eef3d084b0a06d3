"""Sphinx configuration."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "pyc3p"
author = "The pyc3p authors"
copyright = "2026, the pyc3p authors"
extensions = ["sphinx.ext.autodoc", "door_directive"]
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
maximum_signature_line_length = 88
python_display_short_literal_types = True
python_use_unqualified_type_names = True
exclude_patterns = ["_build"]
default_role = "py:obj"
nitpicky = True
toc_object_entries = False  # thousands of names in the tree that every page copies: minutes
