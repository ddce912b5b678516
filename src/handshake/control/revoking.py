"""Revoking a key, unless what is live relies on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from handshake.control.signing import Believer, Signer
from handshake.control.signing_keys import SigningKey
from handshake.core.errors import RefusedError
from handshake.core.pointer import Pointer
from handshake.core.release import Kind, Subject
from handshake.core.signature import KeyId


def revoke_key(
    key: KeyId,
    *,
    signer: Signer,
    believer: Believer,
    read_pointers: Callable[[], Mapping[Subject, Pointer]],
    who: str,
    reason: str,
    even_live: bool,
) -> SigningKey:
    """Revoke a key; RefusedError where a live image could not be launched any more, unless that is wanted.

    What runs goes on in either case: a node looks at signatures when it launches, and an instance that
    dies later would have no successor.
    """
    live = {its.release: subject for subject, its in read_pointers().items() if subject.kind is Kind.IMAGE}
    lost = [] if even_live else [str(live[release]) for release in believer.rely_on(key, live)]
    if lost:
        raise RefusedError(
            f"no other key signed {', '.join(sorted(lost))}: no new instance could be launched",
            hint="Rotate and publish them again, then revoke; or revoke with --even-live.",
        )
    return signer.revoke(key, who=who, reason=reason)
