"""The live policy: fetched, read and cached until the pointer moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from handshake.campaign.policy import Policy, read_policy
from handshake.core.digest import Digest
from handshake.core.errors import RefusedError
from handshake.core.problem import ProblemsError
from handshake.core.subject import Kind, Subject
from handshake.pointers.pointer import Pointer


@dataclass(frozen=True, kw_only=True)
class LivePolicy:
    """A policy and the pointer that names it."""

    policy: Policy
    pointer: Pointer


class PolicyReader:
    """Reads policies from their releases; a release never changes, so each is read once."""

    def __init__(self, campaign: str, fetch: Callable[[Digest], Path]) -> None:
        self.subject = Subject(kind=Kind.POLICY, name=campaign)
        self._fetch = fetch
        self._known: dict[Digest, Policy] = {}

    def live(self, pointers: Mapping[Subject, Pointer]) -> LivePolicy | None:
        """Return the policy that the pointer names, None if none was applied yet.

        RefusedError if this program cannot read the release as a policy.
        """
        pointer = pointers.get(self.subject)
        if pointer is None:
            return None
        return LivePolicy(policy=self.read(pointer.release), pointer=pointer)

    def in_force(self, pointers: Mapping[Subject, Pointer]) -> Policy | None:
        """Return the live policy, or the stable one while the live one cannot be read; None if there is neither.

        Rolling back an unreadable policy must not depend on reading it.
        """
        pointer = pointers.get(self.subject)
        for release in (pointer.release, pointer.stable) if pointer else ():
            try:
                return self.read(release) if release else None
            except RefusedError:
                continue
        return None

    def read(self, release: Digest) -> Policy:
        """Return a release's policy."""
        if release not in self._known:
            try:
                self._known[release] = read_policy(self._fetch(release))
            except ProblemsError as error:
                raise RefusedError("the release is not a valid policy", details=str(error)) from error
        return self._known[release]
