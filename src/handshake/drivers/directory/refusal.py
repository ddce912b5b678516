"""What the file system says, in the platform's words."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from handshake.core.errors import HandshakeError, RefusedError, UnavailableError

_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_IMPOSSIBLE = {errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST}


@contextmanager
def translate_errors(root: Path, region: str) -> Iterator[None]:
    """Turn every OSError of the block into RefusedError or UnavailableError with a hint."""
    try:
        yield
    except OSError as error:
        raise _translate(error, root, region) from error


def _translate(error: OSError, root: Path, region: str) -> HandshakeError:
    if error.errno in _FULL:
        return UnavailableError(
            f"region {region} is full", hint=f"free space under {root} and try again", details=str(error)
        )
    if error.errno in _FORBIDDEN:
        return RefusedError(
            f"region {region} does not let this user read or write",
            hint=f"give the user who runs this the right to write under {root}",
            details=str(error),
        )
    if error.errno in _IMPOSSIBLE:
        return RefusedError(
            f"region {region} cannot hold an object of this name",
            hint="one object's key may not be the folder of another, nor be longer than the file system allows",
            details=str(error),
        )
    return UnavailableError(
        f"region {region} does not answer", hint=f"see whether the disk of {root} is well", details=str(error)
    )
