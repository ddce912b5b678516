"""`handshake bake`: puts a service's image together and says what it is; publishes nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
from rich.filesize import decimal
from rich.table import Table

from handshake.cli.screen import errors_explained, json_option, out, progress, show
from handshake.cli.telling import telling
from handshake.cli.up import describe_house
from handshake.control.publisher import Publisher, Telling
from handshake.core.clock import SystemClock
from handshake.core.digest import Digest, short
from handshake.core.manifest import release_id
from handshake.core.release import Kind, Subject
from handshake.image.bake import Baked
from handshake.image.step import BakedStep
from handshake.wiring.campaign import Wiring

Act = Callable[[Telling, Path], Baked]
"""Bakes into a folder."""


@dataclass(frozen=True, kw_only=True)
class BakedImage:
    """One service's image, or a base."""

    name: str
    release: Digest
    base: str
    files: int
    bytes: int
    steps: tuple[BakedStep, ...]


@dataclass(frozen=True, kw_only=True)
class BakeReport:
    """What was baked."""

    images: tuple[BakedImage, ...]


@click.command()
@click.argument("service", default="")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    help="The campaign's folder; it need not be up.",
)
@click.option(
    "--base",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=None,
    help="Bake the base in this folder instead, of its `base.toml`.",
)
@click.option(
    "--to",
    "kept",
    type=click.Path(path_type=Path),
    default=None,
    help="Where the tree is kept, below a folder for each service; else it is deleted.",
)
@json_option
def bake(service: str, *, folder: Path, base: Path | None, kept: Path | None, as_json: bool) -> None:
    """Bake the image of SERVICE, or of every service, and say what it is: digest, steps, sizes. Nothing is published."""
    with errors_explained(as_json=as_json):
        house = describe_house(folder.resolve())
        publisher = Wiring(house, SystemClock()).publisher()
        with progress(is_quiet=as_json) as bars:
            acts = _base_act(publisher, base) if base else _acts(publisher, service)
            images = tuple(_bake(name, act, telling(bars, name), kept) for name, act in acts.items())
        show(BakeReport(images=images), as_json=as_json, for_people=lambda: _tell(images))


def _base_act(publisher: Publisher, base: Path) -> dict[str, Act]:
    return {base.resolve().name: partial(publisher.bake_base, base)}


def _acts(publisher: Publisher, service: str) -> dict[str, Act]:
    services = [each for each in publisher.subjects() if each.kind is Kind.IMAGE]
    wanted = [Subject(kind=Kind.IMAGE, name=service)] if service else services
    return {each.name: partial(publisher.bake, each) for each in wanted}


def _bake(name: str, act: Callable[[Telling, Path], Baked], tell: Telling, kept: Path | None) -> BakedImage:
    with _staging(kept / name if kept else None) as staging:
        return _summary(name, act(tell, staging))


@contextmanager
def _staging(kept: Path | None) -> Iterator[Path]:
    if kept:
        yield kept
        return
    with tempfile.TemporaryDirectory(prefix="handshake-bake-") as folder:
        yield Path(folder)


def _summary(name: str, baked: Baked) -> BakedImage:
    return BakedImage(
        name=name,
        release=release_id(baked.manifest),
        base=baked.manifest.base,
        files=len(baked.manifest.files),
        bytes=sum(file.size for file in baked.manifest.files),
        steps=baked.steps,
    )


def _tell(images: tuple[BakedImage, ...]) -> None:
    table = Table("image", "step", "to", "", "files", "size", "seconds", box=None)
    table.columns[0].no_wrap = True
    for image in images:
        name = f"[bold]{image.name}[/] {short(image.release)}"
        table.add_row(name, "", "", "", str(image.files), decimal(image.bytes), "")
        for step in image.steps:
            row = (step.what, step.to or ".", step.origin, str(step.files), decimal(step.bytes))
            table.add_row("", *row, f"{step.seconds:.1f}")
    out.print(table)
