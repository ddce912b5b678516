"""npm's lock files pin every package by its content, and name no address."""

from __future__ import annotations

import json

import pytest

from handshake.image.check import check_lock

GOOD = {"version": "1.0.0", "integrity": "sha512-AAAA"}


def checks(packages: object, version: int = 3) -> list[str]:
    """Return the ids of what is wrong with a lock file of these packages."""
    text = json.dumps({"lockfileVersion": version, "packages": packages})
    return [problem.check for problem in check_lock(text, "package-lock.json")]


def test_pinned_packages_are_fine() -> None:
    """The root, packages with an integrity, bundled ones, and those for development raise no problem."""
    bundled = {"version": "1.0.0", "inBundle": True}
    development = {"resolved": "https://example.org/x.tgz", "dev": True}
    packages = {
        "": {"name": "app"},
        "node_modules/a": GOOD,
        "node_modules/b": bundled,
        "node_modules/c": development,
    }
    assert checks(packages) == []


@pytest.mark.parametrize(
    ("its", "expected"),
    [
        ({"version": "1.0.0"}, ["unpinned-package"]),
        ({"resolved": "../beside", "link": True}, ["unpinned-package", "lock-address"]),
        (GOOD | {"resolved": "https://example.org/a-1.0.0.tgz"}, ["lock-address"]),
    ],
)
def test_packages_that_could_change_are_problems(its: dict[str, object], expected: list[str]) -> None:
    """A package without integrity and a package at an address are named."""
    assert checks({"": {}, "node_modules/a": its}) == expected


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"packages": []}', '{"lockfileVersion": 1, "packages": {}}']
)
def test_other_files_are_no_lock_files(text: str) -> None:
    """What npm 7 or newer did not write is refused as a whole."""
    assert [problem.check for problem in check_lock(text, "package-lock.json")] == ["no-lock-file"]
