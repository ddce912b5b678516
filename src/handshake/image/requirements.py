"""Files of pinned requirements: an image is its content, so each line names one version of one distribution."""

from __future__ import annotations

import re

from handshake.core.problem import Location, Problem

_PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9,._ -]+\])?\s*==\s*[A-Za-z0-9.!+_-]+(\s*;.*)?")
_HASH = re.compile(r"\s*--hash=sha256:[0-9a-f]{64}")


def check_requirements(text: str, file: str) -> list[Problem]:
    """Return a problem for each line that is no `name==version`, with or without hashes and a marker."""
    return [
        Problem(
            check="unpinned-requirement",
            what=f"{line.strip()!r} pins nothing",
            where=Location(file=file, line=number, column=1),
            hint="write name==version: an image is its content, so nothing is left to the day of the build",
        )
        for number, line in enumerate(text.splitlines(), 1)
        if not _is_pinned(line)
    ]


def _is_pinned(line: str) -> bool:
    bare = _HASH.sub("", re.sub(r"(^|\s)#.*", "", line).rstrip().removesuffix("\\")).strip()
    return not bare or bool(_PINNED.fullmatch(bare))
