"""What the repository promises beside its code."""

import os
import re

from tests.meta.reference.verbs_page import walk_verbs
from tests.meta.sources import REPOSITORY, tracked_files

_ADDRESS = re.compile(r"https?://|git\+|--(?:extra-)?index-url|--find-links")
_CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_VERB = re.compile(r"handshake((?: [a-z][a-z-]*)+)")


def test_pinned_requirements_carry_no_address() -> None:
    """What is installed is named by name and version; where it comes from is the machine's own setting."""
    pinned = [path for path in tracked_files() if "requirements" in str(path) and path.suffix == ".txt"]
    assert pinned
    assert not [path for path in pinned if _ADDRESS.search((REPOSITORY / path).read_text(encoding="utf-8"))]


def test_commands_of_the_pages_exist() -> None:
    """A command that a page tells to type is a script of the repository, or a verb."""
    verbs = [path.removeprefix("handshake ") for path, _ in walk_verbs()]
    unknown = [f"{page}: {line}" for page, line in _commands() if not _exists(line, verbs)]
    assert not unknown


def test_links_of_the_pages_beside_the_code_lead_somewhere() -> None:
    """A relative link in README, ARCHITECTURE, STYLE or CONTRIBUTING names a file that is there."""
    dead = []
    for page in REPOSITORY.glob("*.md"):
        links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        dead += [f"{page.name}: {link}" for link in links if not (REPOSITORY / link).exists()]
    assert not dead


def test_pages_that_the_code_names_exist() -> None:
    """A page of docs/ that code, an example or an expected text names is there."""
    files = [
        path
        for folder in ("src", "examples", "tests/golden")
        for path in (REPOSITORY / folder).rglob("*")
        if path.suffix in {".py", ".toml", ".txt"}
    ]
    named = {
        page
        for path in files
        for page in re.findall(r"\bdocs/[a-z/-]+\.md\b", path.read_text(encoding="utf-8"))
    }
    assert not {page for page in named if not (REPOSITORY / page).exists()}


def test_scripts_can_be_run() -> None:
    """Every file in script/ may be executed and says in its first lines what it is for."""
    for script in sorted((REPOSITORY / "script").iterdir()):
        assert os.access(script, os.X_OK), script.name
        assert script.read_text(encoding="utf-8").split("\n")[1].startswith("# "), script.name


def _commands() -> list[tuple[str, str]]:
    pages = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")]
    return [
        (page.name, line.removeprefix("$ "))
        for page in pages
        for block in _CONSOLE.findall(page.read_text(encoding="utf-8"))
        for line in block.splitlines()
        if line.startswith(("$ script/", "$ handshake ", "$ .venv/bin/handshake "))
    ]


def _exists(line: str, verbs: list[str]) -> bool:
    if line.startswith("script/"):
        return (REPOSITORY / line.split(maxsplit=1)[0]).exists()
    found = _VERB.search(line)
    return found is not None and any(f"{found[1].strip()} ".startswith(f"{verb} ") for verb in verbs)
