"""A page that somebody renders -> the file that stands for it, and what else it needs of the same server."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import PurePosixPath
from urllib.parse import urljoin, urlsplit

_SOURCES = {"script": "src", "img": "src", "source": "src", "audio": "src", "video": "src"}
_LINKS = frozenset(("stylesheet", "icon", "apple-touch-icon", "manifest", "preload", "modulepreload"))


def file_of(path: str) -> str:
    """Return the file of a site that is found at a path: `/` is index.html, `/about` about.html."""
    if path.endswith("/"):
        return f"{path}index.html".lstrip("/")
    return (path if PurePosixPath(path).suffix else f"{path}.html").lstrip("/")


def find_parts(page: str, html: str) -> tuple[str, ...]:
    """Return the paths on the same server that a page loads: styles, scripts, pictures; in order, each once.

    `page` is the path at which the HTML was found. What has a query is left out: a file has none.
    """
    finder = _Finder()
    finder.feed(html)
    found = (urlsplit(urljoin(f"http://here{page}", address)) for address in finder.addresses)
    return tuple(dict.fromkeys(url.path for url in found if url.netloc == "here" and not url.query))


class _Finder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag makes a browser load."""
        its = dict(attrs)
        address = its.get(_SOURCES.get(tag, ""))
        if tag == "link" and _LINKS & set((its.get("rel") or "").lower().split()):
            address = its.get("href")
        if address:
            self.addresses.append(address)
