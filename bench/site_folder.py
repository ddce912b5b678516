"""A site of many small files, the same in every run, and what happens to it between two publishes."""

from __future__ import annotations

import random
from pathlib import Path

FILE_BYTES = 3_000
ASSETS = "assets/"
_FOLDERS = 100
"""The files lie in so many folders."""


def build_site(folder: Path, files: int) -> Path:
    """Write a page, and beside it files whose names carry a hash."""
    noise = random.Random(1)
    folder.mkdir()
    (folder / "index.html").write_text("index")
    for number in range(1, files):
        path = folder / f"{ASSETS}{number % _FOLDERS}/x.{number:08x}A.js"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{number} {noise.randbytes(FILE_BYTES // 2).hex()}")
    return folder


def build_large(folder: Path, size: int) -> Path:
    """Write a page and one file of many bytes, which takes no room on the disk."""
    folder.mkdir()
    (folder / "index.html").write_text("large")
    with (folder / "film.mp4").open("wb") as file:
        file.truncate(size)
    return folder


def rename_asset(folder: Path, number: int) -> None:
    """Do what a bundler does with a changed file: another content under another name."""
    changed = min(folder.rglob("x.*A.js"))
    changed.unlink()
    changed.with_name(f"x.{number:08x}B.js").write_text(f"changed {number}")


def change_document(folder: Path, number: int) -> None:
    """Give the page another text."""
    (folder / "index.html").write_text(f"changed {number}")
