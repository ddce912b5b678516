"""Publishing from a site's own CI: its SSH key, and what that key may do."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import click

from handshake.cli.arriving import describe_upload, publish_progress, wait_and_tell
from handshake.cli.completion import complete_site
from handshake.cli.screen import campaign_option, errors_explained, json_option, out, print_report, progress
from handshake.cli.session import open_campaign, read_subject
from handshake.cli.site.traffic import exit_unless_served, print_arrival, wait_for_caches
from handshake.core.digest import Digest, short
from handshake.core.problem import Location, Problem, ProblemsError
from handshake.release.upload import UploadProgress
from handshake.site.tar_import import parse_wish, unpack_site
from handshake.site.traffic import ShownArrival, name_branch

_PUBLIC_KEY = re.compile(r"(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp\d+) [A-Za-z0-9+/=]+(?: [^\r\n]*)?")


@dataclass(frozen=True, kw_only=True)
class CredentialReport:
    """The line to add to authorized_keys."""

    site: str
    authorized_keys: str
    """One line."""


@click.command()
@click.argument("name", shell_complete=complete_site)
@click.option(
    "--key",
    "file",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The public key file, as written by ssh-keygen.",
)
@campaign_option
@json_option
def credential(name: str, file: Path, *, campaign: str, as_json: bool) -> None:
    """Print the line for authorized_keys that lets a key publish site NAME, and nothing else.

    To revoke the credential, remove the line.
    """
    with errors_explained(as_json=as_json):
        parts = open_campaign(campaign)
        parts.publisher().require_declared(read_subject(f"site/{name}"))
        line = _authorize(name, parts.paths.name, file)
        report = CredentialReport(site=name, authorized_keys=line)
        print_report(
            report, as_json=as_json, for_people=lambda: out.print(line, markup=False, soft_wrap=True)
        )


def _authorize(name: str, campaign: str, file: Path) -> str:
    key = file.read_text(encoding="utf-8", errors="replace").strip()
    if not _PUBLIC_KEY.fullmatch(key):
        problem = Problem(
            check="bad-public-key",
            what="this is not an SSH public key",
            where=Location(file=str(file), line=1, column=1),
            hint="`ssh-keygen -t ed25519 -f FILE` makes a key pair; pass FILE.pub.",
        )
        raise ProblemsError([problem])
    program = shutil.which("handshake") or f"{sys.executable} -m handshake.cli.main"
    return f'command="{program} site receive {name} --campaign {campaign}",restrict {key}'


# `handshake site receive`: the only command that a site's own SSH key may run.

_PREVIEW_SECONDS = 30 * 86_400.0
_ASKED = "SSH_ORIGINAL_COMMAND"
"""Where sshd puts the command that the sender asked for, for a key that may run one command only."""


@dataclass(frozen=True, kw_only=True)
class ReceivedReport:
    """The release that was made."""

    subject: str
    release: Digest
    branch: str
    commit: str
    preview: str
    """The first part of the preview's host name."""
    arrival: ShownArrival


@click.command()
@click.argument("name", shell_complete=complete_site)
@click.argument("wish", nargs=-1)
@click.option("--wait", "seconds", default=300.0, show_default=True, help="How long to wait for acks.")
@campaign_option
@json_option
def receive(name: str, wish: tuple[str, ...], *, seconds: float, campaign: str, as_json: bool) -> None:
    """Publish site NAME from a tar stream on standard input that holds site.toml and the built output.

    WISH is `preview BRANCH COMMIT` or `promote BRANCH COMMIT`; over SSH, it is the command that the sender ran.
    Nothing from the stream is executed.
    """
    with errors_explained(as_json=as_json), tempfile.TemporaryDirectory(prefix="received-") as folder:
        wanted = parse_wish(" ".join(wish) or os.environ.get(_ASKED, ""))
        subject = read_subject(f"site/{name}")
        unpack_site(sys.stdin.buffer, Path(folder))
        parts = open_campaign(campaign)
        operator = parts.receiver(f"ci of {subject}", origin=(wanted.branch, wanted.commit))
        operator.publisher.require_declared(subject)
        done: dict[str, UploadProgress] = {}
        with progress(is_quiet=as_json) as bars:
            release = operator.publish(
                subject, publish_progress(bars, str(subject), done), source=Path(folder)
            )
        if not as_json:
            sent = describe_upload({region: each.total for region, each in done.items()})
            out.print(f"{subject} {short(release)} is in every region; {sent}", markup=False, soft_wrap=True)
        if wanted.is_promoted:
            moved = operator.promote(subject, release, reason=f"{wanted.branch} at {wanted.commit[:12]}")
            wait_and_tell(operator, moved, seconds=seconds, as_json=as_json)
            return
        shown = parts.site_traffic.follow(
            name,
            release,
            name=name_branch(wanted.branch),
            seconds=_PREVIEW_SECONDS,
            owner=operator.who,
            reason=f"{wanted.branch} at {wanted.commit[:12]}",
        )
        arrival = wait_for_caches(parts, f"preview {shown.label}", seconds=seconds, is_quiet=as_json)
        report = ReceivedReport(
            subject=str(subject),
            release=release,
            branch=wanted.branch,
            commit=wanted.commit,
            preview=shown.label,
            arrival=arrival,
        )
        print_report(report, as_json=as_json, for_people=lambda: _print(report))
        exit_unless_served(arrival, seconds=seconds)


def _print(report: ReceivedReport) -> None:
    out.print(f"{report.subject} {short(report.release)} is not live", markup=False)
    name, label = report.subject.partition("/")[2], report.preview.partition("--")[0]
    # ci/publish reads this line.
    out.print(f"preview: https://{report.preview}.preview.DOMAIN/", markup=False)
    out.print("DOMAIN: any that leads to the ingress", markup=False)
    out.print(
        f"its password: handshake site preview {name} --as {label}, on the campaign's machine",
        markup=False,
        soft_wrap=True,
    )
    print_arrival(report.arrival)
