"""`handshake site credential`: gives one site's continuous integration a key that can publish that site alone."""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from handshake.cli.completing import complete_site
from handshake.cli.screen import campaign_option, errors_explained, json_option, out, show
from handshake.cli.session import open_wiring, read_subject
from handshake.core.problem import Location, Problem, ProblemsError

_PUBLIC_KEY = re.compile(r"(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp\d+) [A-Za-z0-9+/=]+(?: [^\r\n]*)?")


@dataclass(frozen=True, kw_only=True)
class CredentialReport:
    """What sshd must be told."""

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
    help="The public half of the key, as ssh-keygen wrote it.",
)
@campaign_option
@json_option
def credential(name: str, file: Path, *, campaign: str, as_json: bool) -> None:
    """Print the line of authorized_keys by which a key can publish site NAME, and do nothing else.

    Taking the line out takes the credential back.
    """
    with errors_explained(as_json=as_json):
        wiring = open_wiring(campaign)
        wiring.publisher().require_declared(read_subject(f"site/{name}"))
        line = _authorize(name, wiring.house.name, file)
        report = CredentialReport(site=name, authorized_keys=line)
        show(report, as_json=as_json, for_people=lambda: out.print(line, markup=False, soft_wrap=True))


def _authorize(name: str, campaign: str, file: Path) -> str:
    key = file.read_text(encoding="utf-8", errors="replace").strip()
    if not _PUBLIC_KEY.fullmatch(key):
        problem = Problem(
            check="bad-public-key",
            what="this is no public key of SSH",
            where=Location(file=str(file), line=1, column=1),
            hint="ssh-keygen -t ed25519 -f FILE makes a pair; name FILE.pub.",
        )
        raise ProblemsError([problem])
    program = shutil.which("handshake") or f"{sys.executable} -m handshake.cli.main"
    return f'command="{program} site receive {name} --campaign {campaign}",restrict {key}'
