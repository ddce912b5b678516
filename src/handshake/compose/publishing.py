"""Puts together what makes releases: baking, building, signing, the contract check."""

from __future__ import annotations

import getpass
import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from handshake.campaign.publish import ProgressReporter, PublishContext, Publisher
from handshake.compose.campaign import CampaignParts
from handshake.compose.live_data import open_regions
from handshake.core.digest import Digest, parse_digest
from handshake.core.problem import Location, Problem
from handshake.core.subject import Subject
from handshake.drivers.ed25519.scheme import Ed25519
from handshake.drivers.git.source import describe_source
from handshake.drivers.haproxy.program import NEED as HAPROXY_NEED
from handshake.drivers.mmdebstrap.debian import Mmdebstrap
from handshake.drivers.npm.packages import NpmPackages
from handshake.drivers.pip.wheels import PipWheels
from handshake.drivers.process.command import Need, missing_programs, run_command
from handshake.drivers.process.ports import check_port
from handshake.drivers.process.workplace import INSTANCES, workplace
from handshake.drivers.redis.store import ThrowAwayStore, start_store
from handshake.drivers.sandbox.cgroup import find_cgroups
from handshake.drivers.sandbox.confinement import find_confinement
from handshake.drivers.sandbox.process_inspector import SandboxProcessInspector
from handshake.drivers.sandbox.sandboxes import NEEDS as SANDBOX_NEEDS
from handshake.drivers.sandbox.sandboxes import Sandboxes, SandboxHost
from handshake.drivers.varnish.program import NEED as VARNISH_NEED
from handshake.fleet.instances.instances import choose_port
from handshake.fleet.instances.launch import Launcher
from handshake.image.contents import PackageSource
from handshake.image.contract_check.check import ContractCheck, ReleaseStore
from handshake.image.contract_check.instance import CheckBench
from handshake.image.recipe import HOST_BASE
from handshake.release.signature import Signature
from handshake.release.signing import Signer

BUILD_SECONDS = 600.0


def run_build(command: Sequence[str], folder: Path) -> None:
    """Run a site's build in its folder, with the platform's own Python first on PATH."""
    path = f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"
    environment = {**os.environ, "PATH": path}
    run_command(command, timeout_seconds=BUILD_SECONDS, environment=environment, folder=folder)


def find_missing_programs() -> list[Problem]:
    """Return a problem for every program that a campaign on one machine needs and does not find."""
    needs = (
        HAPROXY_NEED,
        VARNISH_NEED,
        Need(program="redis-server", reason="as the stores", package="redis-server"),
        Need(program="nginx", reason="as the regions' file servers", package="nginx-light"),
        *SANDBOX_NEEDS,
    )
    return missing_programs(needs)


def find_port_holder(port: int, needed_by: str, where: Location) -> list[Problem]:
    """Return a problem if another program listens on a port that we need."""
    return check_port(port, needed_by=needed_by, where=where)


# Making releases: baking, signing, the contract check.


def compose_publisher(campaign: CampaignParts, folder: Path | None = None) -> Publisher:
    """Return the publisher of the campaign's sources, or of those in another folder with the same layout."""
    return Publisher(compose_publish_context(campaign, folder), campaign.clock)


def compose_publish_context(campaign: CampaignParts, folder: Path | None = None) -> PublishContext:
    """Return the parts that publishing needs."""
    paths, live_data = campaign.paths, campaign.live_data
    return PublishContext(
        campaign=folder or paths.folder,
        cache=paths.cache,
        stores=live_data.stores,
        stores_of_site=lambda site: open_regions(paths, live_data.secrets, site=site),
        package_source_for=partial(_find_packages, campaign),
        debian=Mmdebstrap(),
        describe_source=describe_source,
        run_build=run_build,
        sign=partial(_sign, campaign),
        builder=f"{getpass.getuser()}@{socket.gethostname()}",
    )


def compose_signer(campaign: CampaignParts) -> Signer:
    """Return the signer, which also makes keys."""
    return Signer(campaign.signing_keys, campaign.live_data.secrets, Ed25519())


def _sign(campaign: CampaignParts, release: Digest) -> Signature:
    """Sign a release; the keys are read only now, since `bake` signs nothing and runs without a catalogue."""
    return compose_signer(campaign).sign(release)


def compose_contract_check(campaign: CampaignParts, who: str) -> ContractCheck:
    """Return an operator's contract check; if no templates are live, it publishes those of the campaign's sources."""
    return ContractCheck(
        who=who,
        catalog=campaign.live_data.catalog,
        clock=campaign.clock,
        shelf=ReleaseStore(manifest_of=campaign.manifest_of, fetch=campaign.live_data.fetch),
        open_bench=partial(_open_bench, campaign),
        launcher=lambda given: compose_launcher(campaign, lambda _: given),
        templates_of=partial(_find_templates, campaign, compose_publisher(campaign)),
    )


def compose_launcher(
    campaign: CampaignParts, secrets_of: Callable[[Sequence[str]], Mapping[str, str]]
) -> Launcher:
    """Return the launcher, which gives instances these secrets of the stores that they need."""
    return Launcher(
        require_signed=campaign.signature_verifier.require_signed,
        fetch=campaign.live_data.fetch,
        base_of=campaign.base_of,
        contract_of=campaign.contract_of,
        secrets_of=secrets_of,
    )


def _find_packages(campaign: CampaignParts, base: str) -> PackageSource:
    """Return where the packages of images on this base come from."""
    cache = campaign.paths.cache
    tree = None if base == HOST_BASE else campaign.live_data.fetch(parse_digest(base))
    return PackageSource(cache=cache, wheels=PipWheels(tree), node=NpmPackages(cache / "npm"))


@contextmanager
def _open_bench(campaign: CampaignParts, stores: Sequence[str]) -> Iterator[CheckBench]:
    """Yield a bench for trial instances, with its own stores; everything is removed after the block."""
    with workplace(campaign.paths.run / "contract-checks") as folder:
        root = folder / INSTANCES
        sandboxes = Sandboxes(root, confinement=find_confinement(), cgroups=find_cgroups())
        yield CheckBench(
            host=SandboxHost(sandboxes),
            witness=SandboxProcessInspector(root),
            secrets={
                name: start_store(_describe_store(campaign, name), folder, choose_port(()), campaign.clock)
                for name in stores
            },
        )


def _describe_store(campaign: CampaignParts, name: str) -> ThrowAwayStore:
    live = campaign.live()
    known = live.policy.campaign.stores if live else compose_publisher(campaign).campaign().stores
    its = known.get(name)
    return ThrowAwayStore(
        name=name,
        is_durable=its.durable if its else False,
        seed=campaign.paths.folder / its.seed if its and its.seed else None,
    )


def _find_templates(campaign: CampaignParts, publisher: Publisher, subject: Subject) -> Digest:
    """Return the live template release; if none is live, that of the campaign's source."""
    live = campaign.live_data.pointers.get(subject)
    silent = ProgressReporter(step=lambda _: None, upload=lambda _: None)
    return live.release if live else publisher.publish(subject, silent)
