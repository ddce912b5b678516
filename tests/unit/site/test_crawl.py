"""Pages that somebody renders, as files."""

import pytest

from handshake.site.copy.copier import file_of, find_parts


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("/", "index.html"),
        ("/about", "about.html"),
        ("/events/", "events/index.html"),
        ("/static/style.css", "static/style.css"),
    ],
)
def test_a_path_has_one_file(path: str, file: str) -> None:
    """The file is found at the path again, by the addresses of pretty URLs."""
    assert file_of(path) == file


def test_parts_are_what_a_browser_loads_from_the_same_server() -> None:
    """Styles, scripts and pictures are found wherever the address stands; links to pages and other servers are not."""
    html = """
    <link rel="stylesheet" href="/static/style.css"><link rel="canonical" href="/about">
    <script src="app.js"></script><img src="../logo.svg"><img src="/static/style.css">
    <a href="/donate">Donate</a><img src="https://elsewhere.example/x.png"><img src="/counter.gif?page=1">
    <img><link href="/lonely.css">
    """
    assert find_parts("/team/about", html) == ("/static/style.css", "/team/app.js", "/logo.svg")
