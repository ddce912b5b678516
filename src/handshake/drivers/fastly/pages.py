"""Answers that come in pages: a hundred at a time, and nothing says that there are more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

PAGE = 100


def read_pages(read: Callable[[int], list[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """Yield what lies on all pages, the first one being 1; the first page that is not full is the last."""
    number = 1
    while True:
        page = read(number)
        yield from page
        if len(page) < PAGE:
            return
        number += 1
