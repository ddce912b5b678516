"""Makes the fallback copy: selected pages of the edge, published as a release and tested."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from urllib.parse import urljoin, urlsplit

from handshake.catalog.catalog import Catalog
from handshake.catalog.journal import journal_write
from handshake.core.clock import Clock
from handshake.core.digest import Digest, digest_bytes, short
from handshake.core.errors import HandshakeError, RefusedError, UnavailableError
from handshake.core.hop_header import Hop
from handshake.core.problem import ProblemsError
from handshake.pointers.pointer import Move, Pointer
from handshake.pointers.pointers import Pointers
from handshake.release.manifest import Manifest, ManifestFile, release_id
from handshake.release.objects import ObjectStore
from handshake.release.provenance import Provenance
from handshake.release.store import load_manifest
from handshake.release.upload_lock import Uploads
from handshake.site.copy.schedule import SUBJECT, CopyRecord, read_record, write_record
from handshake.site.release import read_release
from handshake.site.settings import SiteSettings
from handshake.site.upload import publish_site

# A page as an edge answered it.


@dataclass(frozen=True, kw_only=True)
class CopiedPage:
    """One response."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


_OK = 200


@dataclass(frozen=True, kw_only=True)
class Copier:
    """Makes the copy."""

    who: str
    catalog: Catalog
    clock: Clock
    pointers: Pointers
    stores: Sequence[ObjectStore]
    ask: Callable[[str], CopiedPage]
    """Requests a path from the edge; UnavailableError if it does not answer."""
    mounts: tuple[str, ...]
    """Of sites: paths below them need no copy."""
    work: Path

    def make(self, pages: Sequence[str], tell: Callable[[str], None]) -> Pointer:
        """Copy the pages and what they load, and promote the copy; return its pointer.

        A copy that says what the last one said moves nothing. UnavailableError where a page cannot be had as
        it should be: then the last copy stays.
        """
        try:
            pointer = self._make(pages, tell)
        except (HandshakeError, ProblemsError) as error:
            self._note(problem=str(error))
            raise
        self._note(problem="")
        return pointer

    def _make(self, pages: Sequence[str], tell: Callable[[str], None]) -> Pointer:
        if not pages:
            raise RefusedError(
                "there are no pages to copy",
                hint='List some in handshake.toml: [fallback_copy] pages = ["/"]',
            )
        self.work.mkdir(parents=True, exist_ok=True)
        with (
            Uploads(catalog=self.catalog).publishing(f"{SUBJECT} by {self.who}"),
            tempfile.TemporaryDirectory(prefix="copy-", dir=self.work) as folder,
        ):
            self._fetch_all(pages, Path(folder), tell)
            manifest = read_release(Path(folder), SiteSettings(output="."))
            today = self.pointers.get(SUBJECT)
            if today and today.release == release_id(manifest):
                return today
            return self._move(today, self._publish(manifest, Path(folder), today))

    def _fetch_all(self, pages: Sequence[str], folder: Path, tell: Callable[[str], None]) -> None:
        parts: dict[str, None] = {}
        for page in pages:
            tell(page)
            html = self._fetch(page)
            _write(folder / file_of(page), html)
            parts |= dict.fromkeys(find_parts(page, html.decode(errors="replace")))
        for part in parts.keys() - set(pages):
            if not part.startswith(tuple(f"{mount.rstrip('/')}/" for mount in self.mounts)):
                tell(part)
                _write(folder / file_of(part), self._fetch(part))

    def _fetch(self, path: str) -> bytes:
        answer = self.ask(path)
        if answer.status != _OK:
            raise UnavailableError(
                f"{path} answers {answer.status}, which is not worth copying",
                hint="Fix the page, or remove it from [fallback_copy] pages; the last copy is kept.",
            )
        if Hop.RELEASE.lower() in answer.headers:
            raise UnavailableError(
                f"{path} is served from release {answer.headers[Hop.RELEASE.lower()]} of a site",
                hint="Either it needs no copy, or its renderer is down; the last copy is kept.",
            )
        return answer.body

    def _publish(self, manifest: Manifest, folder: Path, today: Pointer | None) -> Digest:
        return publish_site(
            self.stores,
            manifest,
            folder,
            site=SUBJECT.name,
            previous=load_manifest(self.stores, today.release) if today else None,
            provenance=Provenance(
                subject=SUBJECT,
                release=release_id(manifest),
                source="the edge",
                commit="",
                builder=self.who,
                made_at=self.clock.now(),
            ),
            report=lambda _: None,
            variants=self.work / "variants",
        )

    def _move(self, today: Pointer | None, release: Digest) -> Pointer:
        wish = Move(
            subject=SUBJECT,
            release=release,
            from_revision=today.revision if today else 0,
            moved_by=self.who,
            reason=f"the pages as they are now, {short(release)}",
        )
        return self.pointers.move([wish])[0]

    def _note(self, *, problem: str) -> None:
        now, last = self.clock.now(), read_record(self.catalog)
        record = CopyRecord(made_at=last.made_at if problem else now, tried_at=now, problem=problem)
        said = f"the fallback copy could not be made: {problem}" if problem else "made the fallback copy"
        self.catalog.transact([write_record(record), journal_write(self.who, said, now)])


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


# A page that somebody renders -> the file that stands for it, and what else it needs of the same server.

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


# The proof of the fallback copy: an edge behind which nothing is answers each page from the copy alone.


@dataclass(frozen=True, kw_only=True)
class PageProof:
    """The result of requesting one page."""

    path: str
    fault: str
    """Empty if the page came from the copy, intact."""


def prove_copy(
    pages: Sequence[str], manifest: Manifest, ask: Callable[[str], CopiedPage]
) -> tuple[PageProof, ...]:
    """Ask for each page, and return whether what came is the copy's file, byte by byte."""
    files = {file.path: file for file in manifest.files}
    release = short(release_id(manifest))
    return tuple(
        PageProof(path=path, fault=_find_fault(files.get(file_of(path)), release, ask(path)))
        for path in pages
    )


def _find_fault(file: ManifestFile | None, release: str, page: CopiedPage) -> str:
    if file is None:
        return "the copy does not contain it: make a copy first"
    if page.status != _OK:
        return f"the edge answers {page.status}"
    if page.headers.get(Hop.RELEASE.lower(), "") != release:
        return "the edge does not serve it from the copy"
    if digest_bytes(page.body) != file.digest:
        return "the edge serves something other than the copied page"
    return ""
