"""A campaign of a hundred services, each the least program that a service can be, and nothing else behind its ingress."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.campaign import CampaignUnderTest, free_port

SERVICES = tuple(f"service-{number:02}" for number in range(100))
INSTANCES = 2

_HERE = Path(__file__).parent
_OTHER = "other"
_MEMORY_MEGABYTES = 16

_CAMPAIGN = """\
name = "campaign"
nodes = ["n1"]
[listen]
ingress = "127.0.0.1:{ingress}"
dashboard = "127.0.0.1:{dashboard}"
catalog = "127.0.0.1:{catalog}"
agent = "127.0.0.1:{agent}"
[regions.east]
listen = "127.0.0.1:{east}"
[regions.west]
listen = "127.0.0.1:{west}"
"""
_SERVICE = """\
[services.{name}]
source = "tiny"
floor = {instances}
ceiling = {instances}
soak_seconds = 1
deadline_seconds = 60
"""
_ROUTE = """\
[[route]]
path = "{path}"
service = "{name}"
"""
_RECIPE = """\
command = {command}
base = "host"
drain_seconds = 5
memory_megabytes = {megabytes}
[environment]
EDITION = "{edition}"
[[build]]
copy = "{program}"
to = "{program}"
"""


def path_of(service: str) -> str:
    """Return where visitors find a service."""
    return f"/api/{service}"


def other_source(system: CampaignUnderTest) -> Path:
    """Return a source that makes another release of any of the services."""
    return system.campaign / _OTHER


@contextmanager
def hundred_services() -> Iterator[CampaignUnderTest]:
    """Yield a campaign that is not up yet; what it started is ended after the block, and all its data removed."""
    root = Path(tempfile.mkdtemp(prefix="handshake-hundred-"))
    root.chmod(0o755)  # the instances' own users must pass through
    system = CampaignUnderTest(root=root)
    try:
        _write_campaign(system.campaign)
        yield system
    finally:
        if system.run.exists():
            system.handshake("down", "--purge", "--yes")
        shutil.rmtree(root, ignore_errors=True)


def _write_campaign(folder: Path) -> None:
    for name in ("tiny", _OTHER):
        _write_source(folder / name)
    listeners = ("ingress", "dashboard", "catalog", "agent", "east", "west")
    campaign = _CAMPAIGN.format(**{name: free_port() for name in listeners})
    services = (_SERVICE.format(name=name, instances=INSTANCES) for name in SERVICES)
    routes = (_ROUTE.format(path=path_of(name), name=name) for name in SERVICES)
    (folder / "handshake.toml").write_text(campaign + "".join(services))
    (folder / "gateway.toml").write_text("".join(routes))
    (folder / "edge.toml").write_text("trusted_proxies = []\n")


def _write_source(folder: Path) -> None:
    folder.mkdir(parents=True)
    program = _compile(folder) or _copy(folder)
    command = '["./tiny"]' if program == "tiny" else '["python3", "tiny.py"]'
    recipe = _RECIPE.format(
        command=command, edition=folder.name, program=program, megabytes=_MEMORY_MEGABYTES
    )
    (folder / "service.toml").write_text(recipe)


def _compile(folder: Path) -> str:
    """Compile the program, and return its name; nothing where this machine has no compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return ""
    subprocess.run((compiler, "-O2", "-o", folder / "tiny", _HERE / "tiny.c"), check=True)
    return "tiny"


def _copy(folder: Path) -> str:
    shutil.copyfile(_HERE / "tiny.py", folder / "tiny.py")
    return "tiny.py"
