"""Atomic file writes that survive a crash: a reader sees the old content or the new, never a part."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_SYNC_THREADS = 16
"""A file system commits many concurrent fsyncs together: 430 files took 0.15 s instead of 1.8 s."""


def write_atomically(
    file: Path,
    content: str | bytes,
    *,
    mode: int = 0o644,
    prepare: Callable[[Path], object] = lambda _: None,
) -> None:
    """Replace a file's content; durable on return. If it raises, the old file is unchanged.

    See `replacing` for `mode` and `prepare`.
    """
    with replacing(file, mode=mode, prepare=prepare) as draft:
        draft.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def replacing(
    file: Path, *, mode: int = 0o644, prepare: Callable[[Path], object] = lambda _: None
) -> Iterator[BinaryIO]:
    """Yield a draft to write to; it replaces the file, durably, when the block ends without an error.

    The draft is a hidden file in the same folder, and is deleted if anything fails. `mode` applies whatever
    the umask. `prepare` receives the path of the finished draft: it may change its owner, or raise to reject it.
    """
    draft = file.with_name(f".{file.name}.{secrets.token_hex(6)}.draft")
    try:
        with creating(draft, mode=mode) as opened:
            yield opened
            opened.flush()
            prepare(draft)
        rename_durably(draft, file)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def creating(file: Path, *, mode: int = 0o644) -> Iterator[BinaryIO]:
    """Yield a new file to write to; its content is durable at the block's end, and it is deleted if the block fails.

    FileExistsError if the name is taken. The name is durable once the folder is synced or the file is renamed.
    """
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            os.fchmod(descriptor, mode)
            yield opened
            opened.flush()
            os.fsync(descriptor)
    except BaseException:
        file.unlink(missing_ok=True)
        raise


def create_durably(file: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file that does not exist yet; FileExistsError if the name is taken."""
    with creating(file, mode=mode) as opened:
        opened.write(content)
    sync_folder(file.parent)


def rename_durably(source: Path, target: Path) -> None:
    """Rename a file whose content is already durable, replacing any file of that name."""
    source.replace(target)
    sync_folder(target.parent)


def place_folder(partial: Path, target: Path) -> None:
    """Give a finished folder its name, with all its content durable; if another one came first, that one stays."""
    sync_tree(partial)
    try:
        partial.rename(target)
    except OSError:
        if not target.is_dir():
            raise
    sync_folder(target.parent)


def sync_tree(folder: Path) -> None:
    """Make every file and folder below a folder durable, and the folder itself. Does not follow links."""
    walked = list(os.walk(folder, topdown=False))
    files = [
        path
        for where, _, names in walked
        for name in names
        if (path := Path(where, name)).is_file() and not path.is_symlink()
    ]
    with ThreadPoolExecutor(_SYNC_THREADS) as pool:
        for _ in pool.map(_sync, files):
            pass
    for where, _, _ in walked:
        sync_folder(Path(where))


def sync_folder(folder: Path) -> None:
    """Make the file names in a folder durable."""
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
