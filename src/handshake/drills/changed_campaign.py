"""A campaign with one harmless change in everything that it can release, for drills that release under load."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from handshake.core.release import Kind, Subject

_LEFT_OUT = shutil.ignore_patterns("dist", "__pycache__", ".venv")
_RULE = """
[[rule]]
name = "drill"
phase = "serve"
when = 'request.user_agent == "{agent}"'
respond = {{ status = 403, body = "drill" }}
"""


@contextmanager
def changed_campaign(folder: Path, subjects: tuple[Subject, ...], mark: str) -> Iterator[Path]:
    """Copy a campaign's folder and change every subject's source in it; the copy goes with the block."""
    with tempfile.TemporaryDirectory(prefix="handshake-drill-") as root:
        copy = Path(root) / "campaign"
        shutil.copytree(folder, copy, ignore=_LEFT_OUT)
        for subject in subjects:
            _change(copy, subject, mark)
        yield copy


def _change(copy: Path, subject: Subject, mark: str) -> None:
    match subject.kind:
        case Kind.SITE:
            _append_to_pages(copy / "sites" / subject.name, mark)
        case Kind.TEMPLATES:
            _append_to_pages(copy / "templates" / subject.name, mark)
        case Kind.IMAGE:
            package = copy / "services" / subject.name / subject.name
            (package / "drill.txt").write_text(mark, encoding="utf-8")
        case Kind.POLICY:
            with (copy / "edge.toml").open("a", encoding="utf-8") as file:
                file.write(_RULE.format(agent=mark))


def _append_to_pages(folder: Path, mark: str) -> None:
    for page in folder.rglob("*.html"):
        with page.open("a", encoding="utf-8") as file:
            file.write(f"<!-- {mark} -->\n")
