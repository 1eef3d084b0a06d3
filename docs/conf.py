"""Sphinx configuration."""

project = "pyc3p"
author = "The pyc3p authors"
copyright = "2026, the pyc3p authors"
extensions = ["sphinx.ext.autodoc", "sphinx.ext.viewcode"]
html_theme = "furo"
html_static_path = ["_static"]
autodoc_member_order = "bysource"
autodoc_typehints = "description"
exclude_patterns = ["_build"]
suppress_warnings = ["ref.python"]  # names such as Endpoint stand in several packages
