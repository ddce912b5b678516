"""The ingress reconciler: its configuration follows the policy and the certificates, its maps follow switches and lists."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from handshake.core.digest import digest_bytes
from handshake.core.errors import HandshakeError, OutcomeUnknownError, RefusedError, UnavailableError
from handshake.core.outcome import Outcome
from handshake.edge.ingress.compile.configuration import compile_ingress
from handshake.edge.ingress.compile.target import IngressTarget
from handshake.edge.ingress.runtime_maps import Ingress, IngressMap, IngressMaps, MapUpdate
from handshake.edge.lists.map_file import Followed
from handshake.edge.live_policy import LiveEdgePolicy
from handshake.pointers.acks import AckWriter
from handshake.syntax.haproxy import print_haproxy

_Done = TypeVar("_Done")


class IngressReconciler:
    """Moves this node's ingress to where policy, switches and lists are."""

    def __init__(
        self,
        *,
        ingress: Ingress,
        acks: AckWriter,
        target: IngressTarget,
        certificates: Callable[[], str] = str,
    ) -> None:
        self._ingress = ingress
        self._certificates = certificates
        self._acks = acks
        self._target = target
        self._maps = IngressMaps(ingress)
        self._process = 0
        self._failed: list[HandshakeError] = []
        self._compiled: tuple[LiveEdgePolicy | None, str, str, str] = (None, "", "", "")

    def cycle(
        self, live: LiveEdgePolicy, maps: Sequence[IngressMap], lists: Sequence[Followed] = ()
    ) -> Outcome:
        """Serve the policy, bring every map to what it should hold, then say what was read back.

        A policy or a map that HAProxy refuses is raised last: no ban waits for it.
        """
        self._failed = []
        for wanted in maps:
            self._maps.keep(wanted)
        text, digest = self._compile(live)
        started = self._ingress.ensure(text)
        changed = any(self._attempt(partial(self._follow_policy, live, text, digest)))
        self._find_worker(has_reloaded=changed)
        moved = [
            *(moved for its in maps for moved in self._attempt(partial(self._maps.follow, its))),
            *(moved for its in lists for moved in self._attempt(partial(self._maps.follow_list, its))),
        ]
        if self._ingress.process() != self._process:
            raise UnavailableError(
                "the ingress was restarted in the meantime", hint="The next cycle checks it again at once."
            )
        for its in moved:
            self._acknowledge(its)
        if self._failed:
            raise self._failed[0]
        return _describe(
            started=started, changed=changed, moved=[its.name for its in moved if its.is_changed]
        )

    def digest_of(self, live: LiveEdgePolicy) -> str:
        """Return what the running program should say that it serves."""
        return self._compile(live)[1]

    def running(self) -> str:
        """Return what the running program says that it serves."""
        return self._ingress.digest()

    def _attempt(self, act: Callable[[], _Done]) -> Iterator[_Done]:
        """Yield what was done; nothing where it failed, which `cycle` raises once everything else is done."""
        try:
            yield act()
        except (RefusedError, OutcomeUnknownError) as error:
            self._failed.append(error)

    def _compile(self, live: LiveEdgePolicy) -> tuple[str, str]:
        """Compile a policy once: a ban must not wait for five hundred rules."""
        known, certificates, text, digest = self._compiled
        if known is None or known.policy is not live.policy or certificates != self._certificates():
            edge, certificates = live.policy.edge, self._certificates()
            target = replace(self._target, certificates=certificates)
            bare = print_haproxy(compile_ingress(edge, replace(target, digest="-")))
            digest = digest_bytes(bare.encode())
            text = print_haproxy(compile_ingress(edge, replace(target, digest=digest)))
            self._compiled = (live, certificates, text, digest)
        return text, digest

    def _find_worker(self, *, has_reloaded: bool) -> None:
        """Notice a worker whose maps nobody has looked at: the supervisor starts one whenever the last one ends."""
        process = self._ingress.process()
        if process != self._process:
            # What we have just reloaded has read the files as they are now; of any other, all is compared.
            self._maps.distrust(has_read_files=has_reloaded and self._process != 0)
            self._process = process

    def _follow_policy(self, live: LiveEdgePolicy, text: str, digest: str) -> bool:
        subject, revision = str(live.pointer.subject), live.pointer.revision
        is_served = self._ingress.digest() == digest
        if not is_served:
            try:
                self._ingress.reconfigure(text, digest)
            except RefusedError as error:
                self._acks.refuse(subject, revision, f"{error.what}: {error.details}")
                raise
        said = self._ingress.digest()
        if said == digest:
            self._acks.serve(subject, revision, f"the running worker describes itself as {said}")
        return not is_served

    def _acknowledge(self, moved: MapUpdate) -> None:
        if moved.proof and moved.revision:
            self._acks.serve(moved.subject, moved.revision, moved.proof)


def _describe(*, started: bool, changed: bool, moved: list[str]) -> Outcome:
    parts = ["started"] if started else []
    parts += ["serves a new configuration"] if changed else []
    parts += [f"changed {', '.join(moved)}"] if moved else []
    return Outcome(sentence=", ".join(parts) or "is up to date", changed=bool(parts))


# The certificates that the ingress serves: whatever lies in one folder, and a digest that says when it changed.


def digest_certificates(folder: Path | None) -> str:
    """Return a digest of every certificate in a folder; empty if the ingress serves no TLS.

    It becomes part of the ingress's configuration, so a renewed certificate is a new configuration: checked, loaded by a
    reload that loses nothing, and read back.
    """
    if folder is None:
        return ""
    digest = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        if file.suffix == ".pem":
            digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()
