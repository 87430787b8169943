"""Settings of Sphinx for the web edition; those of a language come from notebooks/website.py.

Sphinx with myst-nb reads built notebooks without executing them, and brings search, contents, light
and dark, print and narrow screens, all from files of its own. (MyST's own site builder and Jupyter
Book 2 fetch their theme when they build, and nbconvert makes pages that know nothing of each
other.)
"""

from docutils import nodes

extensions = ["myst_nb"]
project = "GAN"
author = ""
html_theme = "sphinx_book_theme"
root_doc = "index"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_show_sphinx = False
exclude_patterns = ["_build"]
html_permalinks = False  # whose address would be that of a heading's words
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 0
suppress_warnings = ["myst.header", "misc.highlighting_failure", "mystnb.unknown_mime_type"]
html_css_files = ["../../shared/player.css"]
html_js_files = [
    (f"../../shared/{name}.js", {"defer": "defer"}) for name in ("words", "stage", "player")
]
mathjax_path = "../../shared/mathjax/startup.js"
# Without its menu, which is half of it, and whose labels and arrows are fetched from elsewhere.
mathjax3_config = {
    "loader": {"load": ["core", "input/tex", "output/chtml", "a11y/assistive-mml"]},
}
html_favicon = "icon.svg"
html_context = {"default_mode": "auto"}  # else the theme complains on the console
html_theme_options = {
    "navbar_persistent": [],  # it would be a second field to search
    "show_toc_level": 2,
    "use_download_button": False,
    "use_fullscreen_button": False,
    "home_page_in_toc": True,
}


def leave_equations_alone(app: object, doctree: nodes.document) -> None:
    r"""Sphinx puts `split` around an equation of several lines, which may have no `\tag` then."""
    for node in doctree.findall(nodes.math_block):
        if not node.get("no-wrap"):
            node["no-wrap"] = node["nowrap"] = True
            text = f"\\[{node.astext()}\\]"
            node.children = [nodes.Text(text)]


def setup(app: object) -> None:
    """Called by Sphinx."""
    app.connect("doctree-read", leave_equations_alone)  # type: ignore[attr-defined]
