"""What the live policy declares, read without its rules: all that a ban needs, and a pointer's move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from handshake.config.reader import read_settings
from handshake.control.campaign_head import CampaignHead
from handshake.control.policy_files import CAMPAIGN_FILE, EDGE_FILE
from handshake.core.digest import Digest
from handshake.core.errors import RefusedError
from handshake.core.pointer import Pointer
from handshake.core.problem import ProblemsError
from handshake.core.release import Kind, Subject
from handshake.edge.declarations import Declarations, read_declarations


@dataclass(frozen=True, kw_only=True)
class DeclaredPolicy:
    """Switches, lists, and the places that must acknowledge."""

    edge: Declarations
    nodes: tuple[str, ...]
    has_fastly: bool
    """A policy and a purge have arrived only once Fastly has them, too."""


class _Excerpt(CampaignHead, extra="ignore"):
    """handshake.toml, of which nothing else is read."""

    fastly: object = None


class DeclarationReader:
    """Reads what releases declare; a release never changes, so each is read once."""

    def __init__(
        self, campaign: str, get_pointer: Callable[[Subject], Pointer | None], fetch: Callable[[Digest], Path]
    ) -> None:
        self._subject = Subject(kind=Kind.POLICY, name=campaign)
        self._get_pointer = get_pointer
        self._fetch = fetch
        self._known: dict[Digest, DeclaredPolicy] = {}

    def live(self) -> DeclaredPolicy | None:
        """Return what the live policy declares, None where none was applied yet."""
        pointer = self._get_pointer(self._subject)
        return self._read(pointer.release) if pointer else None

    def demand_live(self) -> DeclaredPolicy:
        """Return what the live policy declares; RefusedError where none was applied yet."""
        live = self.live()
        if live is None:
            raise RefusedError("no policy was applied yet", hint="handshake up DIRECTORY applies it.")
        return live

    def _read(self, release: Digest) -> DeclaredPolicy:
        if release not in self._known:
            try:
                self._known[release] = _read_declared(self._fetch(release))
            except ProblemsError as error:
                raise RefusedError("the release is no valid policy", details=str(error)) from error
        return self._known[release]


def _read_declared(folder: Path) -> DeclaredPolicy:
    head = read_settings(_Excerpt, folder / CAMPAIGN_FILE, shown_as=CAMPAIGN_FILE).model
    edge = read_declarations(folder / EDGE_FILE, shown_as=EDGE_FILE)
    return DeclaredPolicy(edge=edge, nodes=head.nodes, has_fastly=head.fastly is not None)
