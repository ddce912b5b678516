"""Sphinx's settings for the documentation: Markdown, the theme furo, nothing from elsewhere."""

project = "Handshake"
author = "The Handshake authors"
project_copyright = author

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 4

# A lexer that does not know a dialect says nothing about the page: the block is shown all the same.
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_title = "Handshake"
html_favicon = "icon.svg"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_permalinks_icon = "#"
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#173a6b", "color-brand-content": "#1d5299"},
    "dark_css_variables": {"color-brand-primary": "#9cc0f5", "color-brand-content": "#9cc0f5"},
}

# `--` in prose is a flag, not a dash.
smartquotes = False
