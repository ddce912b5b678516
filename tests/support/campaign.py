"""A whole campaign on ports of its own: a copy of the example, running in a home of its own."""

from __future__ import annotations

import itertools
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3

REPOSITORY = Path(__file__).parents[2]
_COPIED = ("docs", "examples/campaign", "README.md", "ARCHITECTURE.md", "CHANGELOG.md")
_LISTEN = re.compile(r'"127\.0\.0\.1:\d+"')


@dataclass(frozen=True, kw_only=True)
class CampaignUnderTest:
    """A campaign that is up, or about to be."""

    root: Path
    """Holds a copy of the repository's campaign and docs, and the home."""
    entry: tuple[str, ...] = ()
    """The words in front of every verb: they lead onto the machine where it shall run."""
    python: str = sys.executable
    """Runs the verbs and all that they start."""
    http: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(retries=False, timeout=10.0)
    )

    @property
    def home(self) -> Path:
        """What HANDSHAKE_HOME names: run and data folders."""
        return self.root / "home"

    @property
    def campaign(self) -> Path:
        """The operator's folder."""
        return self.root / "repository" / "examples" / "campaign"

    @property
    def run(self) -> Path:
        """The campaign's run folder."""
        return self.home / "run" / "campaign"

    @property
    def description(self) -> dict[str, Any]:
        """What `up` wrote down: addresses and folders."""
        described: dict[str, Any] = json.loads((self.run / "node.json").read_text())
        return described

    @property
    def ingress(self) -> str:
        """Where visitors arrive: `127.0.0.1:PORT`."""
        address: str = self.description["ingress"]
        return address

    def handshake(
        self, *words: str, check: bool = True, seconds: float = 240, said: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a verb as an operator would, who says something to it; AssertionError with its words where it fails."""
        run = subprocess.run(
            [*self.entry, self.python, "-m", "handshake.cli.main", *words],
            capture_output=True,
            text=True,
            input=said,
            timeout=seconds,
            check=False,
            env={**os.environ, "HANDSHAKE_HOME": str(self.home)},
        )
        if check and run.returncode != 0:
            raise AssertionError(
                f"handshake {' '.join(words)} exited {run.returncode}:\n{run.stdout}\n{run.stderr}"
            )
        return run

    def verb(self, *words: str, check: bool = True, seconds: float = 240) -> Any:
        """Run a verb with `--json` and return what it printed."""
        return json.loads(self.handshake(*words, "--json", check=check, seconds=seconds).stdout)

    def get(self, path: str, **headers: str) -> urllib3.BaseHTTPResponse:
        """Ask the ingress as a visitor; header names are written with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.request("GET", f"http://{self.ingress}{path}", headers=named, redirect=False)

    def pid_of(self, program: str) -> int:
        """Return the process id of a supervised program."""
        folder = (
            self.run / ("instances" if (self.run / "instances" / program).exists() else "programs") / program
        )
        return int((folder / "pid").read_text().split()[0])


def copy_campaign(root: Path, *, python: str = sys.executable) -> CampaignUnderTest:
    """Return a campaign over a copy of the example campaign, on free ports, with short soaks; nothing is started."""
    root.chmod(0o755)  # the programs' own users must pass through
    system = CampaignUnderTest(root=root, python=python)
    for name in _COPIED:
        source, target = REPOSITORY / name, root / "repository" / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("dist", "__pycache__"))
        elif source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    file = system.campaign / "handshake.toml"
    text = _LISTEN.sub(lambda _: f'"127.0.0.1:{free_port()}"', file.read_text())
    file.write_text(text.replace("../../.cache/countries", str(REPOSITORY / ".cache" / "countries")))
    return system


def share_cache(system: CampaignUnderTest) -> None:
    """Let a campaign use what others have baked and built already: all of it can be made again."""
    shared = REPOSITORY / ".cache" / "campaigns"
    shared.mkdir(parents=True, exist_ok=True)
    data = system.home / "data" / "campaign"
    data.mkdir(parents=True, exist_ok=True)
    (data / "cache").symlink_to(shared)


@contextmanager
def system_up(
    prepare: Callable[[CampaignUnderTest], object] = lambda _: None, *, python: str = sys.executable
) -> Iterator[CampaignUnderTest]:
    """Bring a copy of the example campaign up, once `prepare` has changed it, and down again with all of its data."""
    root = Path(tempfile.mkdtemp(prefix="handshake-test-"))
    system = copy_campaign(root, python=python)
    try:
        prepare(system)
        share_cache(system)
        system.handshake("up", str(system.campaign))
        yield system
    finally:
        if system.run.exists():
            system.handshake("down", "--purge", "--yes")
        shutil.rmtree(root, ignore_errors=True)


# Ports of loopback for the programs of tests and benches.

_FIRST, _COUNT = 10_000, 10_000
"""Below what the kernel gives to connections, and below the ports of instances."""
_BEGIN = random.randrange(_COUNT)
_PORTS = (_FIRST + (_BEGIN + step) % _COUNT for step in itertools.count())


def free_port() -> int:
    """Return a port that is free now, and that nobody in this process was given lately."""
    return next(port for port in itertools.islice(_PORTS, _COUNT) if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
