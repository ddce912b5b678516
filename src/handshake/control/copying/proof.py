"""The proof of the fallback copy: an edge behind which nothing is answers each page from the copy alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from handshake.control.copying.page import Page
from handshake.core.digest import digest_bytes, short
from handshake.core.hop_header import Hop
from handshake.core.manifest import Manifest, ManifestFile, release_id
from handshake.site.crawl import file_of

_OK = 200


@dataclass(frozen=True, kw_only=True)
class PageProof:
    """What came of asking for one page."""

    path: str
    fault: str
    """Empty where the page came from the copy, whole."""


def prove_copy(pages: Sequence[str], manifest: Manifest, ask: Callable[[str], Page]) -> tuple[PageProof, ...]:
    """Ask for each page, and return whether what came is the copy's file, byte by byte."""
    files = {file.path: file for file in manifest.files}
    release = short(release_id(manifest))
    return tuple(
        PageProof(path=path, fault=_find_fault(files.get(file_of(path)), release, ask(path)))
        for path in pages
    )


def _find_fault(file: ManifestFile | None, release: str, page: Page) -> str:
    if file is None:
        return "the copy does not hold it: make a copy first"
    if page.status != _OK:
        return f"the edge answers {page.status}"
    if page.headers.get(Hop.RELEASE.lower(), "") != release:
        return "the edge does not answer it from the copy"
    if digest_bytes(page.body) != file.digest:
        return "what the edge answers is not what was copied"
    return ""
