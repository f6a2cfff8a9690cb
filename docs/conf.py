"""How Sphinx builds these pages: `make docs`."""

project = "Homeroom"
author = "The Homeroom maintainers"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "Homeroom"
exclude_patterns = ["_build"]
myst_heading_anchors = 3
# Pages load nothing from elsewhere.
html_theme_options = {"source_repository": ""}
