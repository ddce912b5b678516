"""`handshake publish` and `handshake bake`: releases from sources."""

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

from handshake.campaign.publish import ProgressReporter, Publisher
from handshake.cli.arriving import describe_upload, publish_progress, wait_and_tell
from handshake.cli.completion import complete_subject
from handshake.cli.contract import check_contract_unless_passed
from handshake.cli.screen import (
    campaign_option,
    errors_explained,
    json_option,
    out,
    print_report,
    progress,
    who_asks,
)
from handshake.cli.session import open_campaign, read_subject
from handshake.cli.up import describe_node
from handshake.compose.cli import compose_cli
from handshake.core.clock import SystemClock
from handshake.core.digest import Digest, short
from handshake.core.subject import Kind, Subject
from handshake.image.bake import Baked
from handshake.image.steps import BakedStep
from handshake.release.manifest import Manifest, release_id
from handshake.release.upload import UploadProgress
from handshake.site.contract import parse_contract
from handshake.site.starter import propose_assets


@dataclass(frozen=True, kw_only=True)
class PublishReport:
    """The release that was made."""

    subject: str
    release: Digest
    sent: dict[str, int]
    """The number of uploaded objects, by region."""


@click.command()
@click.argument("subject", shell_complete=complete_subject)
@click.argument("source", type=click.Path(path_type=Path, exists=True, file_okay=False), required=False)
@click.option("--promote", "is_promoted", is_flag=True, help="Also move the pointer to the release.")
@click.option(
    "--verify",
    "is_thorough",
    is_flag=True,
    help="Verify what the regions hold of a site, and repair damaged objects.",
)
@click.option("--reason", default="published", help="The reason, for the history.")
@click.option(
    "--force",
    "forced",
    default="",
    metavar="REASON",
    help="Promote an image without the contract check or during a freeze; the reason, for the journal.",
)
@click.option("--wait", "seconds", default=300.0, show_default=True, help="How long to wait for acks.")
@campaign_option
@json_option
def publish(
    subject: str,
    source: Path | None,
    *,
    is_promoted: bool,
    is_thorough: bool,
    reason: str,
    forced: str,
    seconds: float,
    campaign: str,
    as_json: bool,
) -> None:
    """Publish a release of SUBJECT (site/calls, image/hamm, templates/secretary) from SOURCE or the campaign's own.

    With `--promote`, an image must pass the contract check before its pointer moves. If someone else moves the
    pointer in the meantime, it stays where they put it.
    """
    with errors_explained(as_json=as_json):
        parts = open_campaign(campaign)
        operator = parts.operator(who_asks())
        wanted = read_subject(subject)
        done: dict[str, UploadProgress] = {}
        with progress(is_quiet=as_json) as bars:
            folder = source.resolve() if source else None
            seen = operator.revision(wanted)
            tell = publish_progress(bars, subject, done)
            release = operator.publish(wanted, tell, source=folder, is_thorough=is_thorough)
        if is_promoted:
            if not forced:
                check_contract_unless_passed(parts, wanted, release, is_quiet=as_json)
            moved = operator.promote(wanted, release, reason=reason, forced=forced, from_revision=seen)
            wait_and_tell(operator, moved, seconds=seconds, as_json=as_json)
            return
        sent = {region: each.total for region, each in done.items()}
        report = PublishReport(subject=subject, release=release, sent=sent)
        print_report(report, as_json=as_json, for_people=lambda: _print(report))
        if wanted.kind is Kind.SITE and not as_json:
            _propose_assets(parts.campaign.manifest_of(release))


def _print(report: PublishReport) -> None:
    plain = short(report.release)
    out.print(f"{report.subject} {plain} is in every region; {describe_upload(report.sent)}", soft_wrap=True)
    out.print(f"To make it live: handshake promote {report.subject} {plain}", soft_wrap=True)


def _propose_assets(manifest: Manifest) -> None:
    declared = parse_contract(manifest.contract).assets
    proposed = propose_assets(file.path for file in manifest.files if not file.path.startswith(declared))
    if proposed:
        out.print(
            f"every name in {', '.join(proposed)} contains a hash: list them as assets in site.toml to share them "
            "between releases and keep them for a year",
            markup=False,
        )


# `handshake bake`: builds a service's image and describes it; publishes nothing.

Act = Callable[[ProgressReporter, Path], Baked]
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
    """The images that were baked."""

    images: tuple[BakedImage, ...]


@click.command()
@click.argument("service", default="")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    help="The campaign's folder. The campaign need not be up.",
)
@click.option(
    "--base",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=None,
    help="Bake the base in this folder instead, from its `base.toml`.",
)
@click.option(
    "--to",
    "kept",
    type=click.Path(path_type=Path),
    default=None,
    help="Keep the file trees here, in a folder for each service. Default: they are deleted.",
)
@json_option
def bake(service: str, *, folder: Path, base: Path | None, kept: Path | None, as_json: bool) -> None:
    """Bake the image of SERVICE, or of every service, and print its digest, steps and sizes. Publishes nothing."""
    with errors_explained(as_json=as_json):
        paths = describe_node(folder.resolve())
        publisher = compose_cli(paths, SystemClock()).publisher()
        with progress(is_quiet=as_json) as bars:
            acts = _base_act(publisher, base) if base else _acts(publisher, service)
            images = tuple(_bake(name, act, publish_progress(bars, name), kept) for name, act in acts.items())
        print_report(BakeReport(images=images), as_json=as_json, for_people=lambda: _print_bake(images))


def _base_act(publisher: Publisher, base: Path) -> dict[str, Act]:
    return {base.resolve().name: partial(publisher.bake_base, base)}


def _acts(publisher: Publisher, service: str) -> dict[str, Act]:
    services = [each for each in publisher.subjects() if each.kind is Kind.IMAGE]
    wanted = [Subject(kind=Kind.IMAGE, name=service)] if service else services
    return {each.name: partial(publisher.bake, each) for each in wanted}


def _bake(
    name: str, act: Callable[[ProgressReporter, Path], Baked], tell: ProgressReporter, kept: Path | None
) -> BakedImage:
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


def _print_bake(images: tuple[BakedImage, ...]) -> None:
    table = Table("image", "step", "to", "", "files", "size", "seconds", box=None)
    table.columns[0].no_wrap = True
    for image in images:
        name = f"[bold]{image.name}[/] {short(image.release)}"
        table.add_row(name, "", "", "", str(image.files), decimal(image.bytes), "")
        for step in image.steps:
            row = (step.what, step.to or ".", step.origin, str(step.files), decimal(step.bytes))
            table.add_row("", *row, f"{step.seconds:.1f}")
    out.print(table)
