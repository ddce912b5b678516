"""A campaign with one harmless change in everything that it can release, for drills that release under load."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from handshake.control.campaign import CampaignSettings
from handshake.control.policy_files import EDGE_FILE
from handshake.core.release import Kind, Subject
from handshake.image.recipe import read_recipe

_LEFT_OUT_NAMES = ("dist", "__pycache__", ".venv")
_LEFT_OUT = shutil.ignore_patterns(*_LEFT_OUT_NAMES)
_RULE = """
[[rule]]
name = "drill"
phase = "serve"
when = 'request.user_agent == "{agent}"'
respond = {{ status = 403, body = "drill" }}
"""


@dataclass(frozen=True, kw_only=True)
class Change:
    """A subject, and where in the campaign's folder a harmless change of it is made."""

    subject: Subject
    place: Path
    """Relative to the campaign's folder: of a site or templates a folder with pages, of an image one that it copies."""


def find_changes(folder: Path, campaign: CampaignSettings) -> tuple[Change, ...]:
    """Return what a drill can release: the first site and the first templates with pages, images, the policy."""
    pages = [
        next(
            _with_pages(folder, Kind.SITE, {name: its.source for name, its in campaign.sites.items()}), None
        ),
        next(
            _with_pages(
                folder, Kind.TEMPLATES, {name: its.source for name, its in campaign.templates.items()}
            ),
            None,
        ),
    ]
    return (
        *(change for change in pages if change),
        *_images(folder, campaign),
        Change(subject=Subject(kind=Kind.POLICY, name=campaign.name), place=Path(EDGE_FILE)),
    )


@contextmanager
def changed_campaign(folder: Path, changes: Iterable[Change], mark: str) -> Iterator[Path]:
    """Copy a campaign's folder and make the changes in it; the copy goes with the block."""
    with tempfile.TemporaryDirectory(prefix="handshake-drill-") as root:
        copy = Path(root) / "campaign"
        shutil.copytree(folder, copy, ignore=_LEFT_OUT)
        for change in changes:
            _make(change.subject.kind, copy / change.place, mark)
        yield copy


def _with_pages(folder: Path, kind: Kind, sources: dict[str, str]) -> Iterator[Change]:
    for name, source in sources.items():
        place = _inside(folder, folder / source)
        if place and any(_pages(folder / place)):
            yield Change(subject=Subject(kind=kind, name=name), place=place)


def _images(folder: Path, campaign: CampaignSettings) -> Iterator[Change]:
    """Yield each service whose image has a folder of the service's own: a file more in it is another image."""
    for name, its in campaign.services.items():
        source = folder / its.source
        copied = [source / step.copy_ for step in read_recipe(source).model.build if step.copy_]
        own = (each for each in copied if each.is_dir() and each.resolve().is_relative_to(source.resolve()))
        place = next(filter(None, (_inside(folder, each) for each in own)), None)
        if place:
            yield Change(subject=Subject(kind=Kind.IMAGE, name=name), place=place)


def _inside(folder: Path, path: Path) -> Path | None:
    """Return a path relative to the campaign's folder; None where the copy would not hold it."""
    if not path.resolve().is_relative_to(folder.resolve()):
        return None
    return path.resolve().relative_to(folder.resolve())


def _make(kind: Kind, place: Path, mark: str) -> None:
    match kind:
        case Kind.SITE | Kind.TEMPLATES:
            for page in _pages(place):
                with page.open("a", encoding="utf-8") as file:
                    file.write(f"<!-- {mark} -->\n")
        case Kind.IMAGE:
            (place / "drill.txt").write_text(mark, encoding="utf-8")
        case Kind.POLICY:
            with place.open("a", encoding="utf-8") as file:
                file.write(_RULE.format(agent=mark))


def _pages(folder: Path) -> Iterator[Path]:
    """Yield the pages below a folder, but for those that a build has made."""
    for page in folder.rglob("*.html"):
        if not set(_LEFT_OUT_NAMES) & set(page.relative_to(folder).parts):
            yield page
