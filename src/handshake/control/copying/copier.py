"""Makes the fallback copy: asks the edge for chosen pages and publishes them as a release of a site."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from handshake.catalog.catalog import Catalog
from handshake.control.copying.page import Page
from handshake.control.copying.record import SUBJECT, CopyRecord, read_record, write_record
from handshake.control.journal import journal_write
from handshake.control.pointers import Pointers
from handshake.control.shelf import load_manifest
from handshake.control.uploading import Uploads
from handshake.core.clock import Clock
from handshake.core.digest import Digest, short
from handshake.core.errors import HandshakeError, RefusedError, UnavailableError
from handshake.core.hop_header import Hop
from handshake.core.manifest import Manifest, release_id
from handshake.core.objects import ObjectStore
from handshake.core.pointer import Move, Pointer
from handshake.core.problem import ProblemsError
from handshake.core.provenance import Provenance
from handshake.site.crawl import file_of, find_parts
from handshake.site.publish import publish_site
from handshake.site.release import read_release
from handshake.site.settings import SiteSettings

_OK = 200


@dataclass(frozen=True, kw_only=True)
class Copier:
    """Somebody who makes the copy."""

    who: str
    catalog: Catalog
    clock: Clock
    pointers: Pointers
    stores: Sequence[ObjectStore]
    ask: Callable[[str], Page]
    """Asks the edge for a path; UnavailableError where it does not answer."""
    mounts: tuple[str, ...]
    """Of sites: what lies there needs no copy."""
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
                "no page is to be copied", hint='Name some: [fallback_copy] pages = ["/"] in handshake.toml.'
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
                f"{path} answers {answer.status}, and a copy of that would help nobody",
                hint="Mend the page, or take it off [fallback_copy] pages; the last copy stays.",
            )
        if Hop.RELEASE.lower() in answer.headers:
            raise UnavailableError(
                f"{path} is served from release {answer.headers[Hop.RELEASE.lower()]} of a site",
                hint="Either it needs no copy, or what renders it is down; the last copy stays.",
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
