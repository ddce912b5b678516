"""Credentials that were about to get into an image: an image is read by many, for ever."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from handshake.core.problem import Location, Problem

_NAMES = {
    ".env",
    ".git-credentials",
    ".netrc",
    ".npmrc",
    ".pgpass",
    ".pypirc",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "id_rsa",
}
_KEY = re.compile(
    rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----\s+(?:[A-Za-z-]+: [^\n]*\s+)*[A-Za-z0-9+/=]{32,}"
)
"""With the beginning of its content: programs that read keys name the first line only."""
_MARKS = (
    ("a private key", b"PRIVATE KEY", _KEY),
    ("an AWS access key", b"AKIA", re.compile(rb"\bAKIA[0-9A-Z]{16}\b")),
    ("a GitHub credential", b"ghp_", re.compile(rb"\bghp_[A-Za-z0-9]{36}\b")),
    ("a GitHub credential", b"github_pat_", re.compile(rb"\bgithub_pat_[A-Za-z0-9_]{60,}")),
    ("a Slack credential", b"xox", re.compile(rb"\bxox[abprs]-[0-9A-Za-z-]{20,}")),
    ("an npm credential", b"npm_", re.compile(rb"\bnpm_[A-Za-z0-9]{36}\b")),
    ("a Stripe key", b"k_live_", re.compile(rb"\b[rs]k_live_[0-9A-Za-z]{20,}")),
)
"""What it is, what every one of them holds (found ten times as fast as the pattern), and how it looks."""


def check_secret(path: str, source: Path, public: Iterable[str], where: Location) -> list[Problem]:
    """Return a problem where a file looks like a credential and nobody said that it is public."""
    looks_like = _looks_like(path, source)
    if not looks_like or path in public:
        return []
    return [
        Problem(
            check="image-secret-inside",
            what=f"{path} looks like {looks_like}",
            where=where,
            hint="leave it out: a store's secret reaches an instance as /run/secrets/<store>; "
            f'if everybody may read it, say so: public = ["{path}"]',
        )
    ]


def _looks_like(path: str, source: Path) -> str:
    name = PurePosixPath(path).name
    if name in _NAMES:
        return f"credentials, by its name {name}"
    content = source.read_bytes()
    return next((what for what, part, mark in _MARKS if part in content and mark.search(content)), "")
