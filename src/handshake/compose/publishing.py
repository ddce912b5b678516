"""Puts together what makes releases: baking, building, signing, the contract check."""

from __future__ import annotations

import getpass
import os
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from handshake.campaign.publish import ProgressReporter, PublishContext, Publisher
from handshake.compose.foundation import Foundation
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
    """Return a problem where somebody else listens on a port that we need."""
    return check_port(port, needed_by=needed_by, where=where)


# Making releases: baking, signing, the contract check.
#
# The stores' client is imported where it is used: it takes 40 ms, which nothing but a contract check waits for.

if TYPE_CHECKING:
    from handshake.drivers.redis.store import ThrowAwayStore


class Publishing(Foundation):
    """From sources to releases."""

    def package_source_for(self, base: str) -> PackageSource:
        """Return where the packages of images on this base come from."""
        cache = self.paths.cache
        tree = None if base == HOST_BASE else self.fetch(parse_digest(base))
        return PackageSource(cache=cache, wheels=PipWheels(tree), node=NpmPackages(cache / "npm"))

    def publisher(self, folder: Path | None = None) -> Publisher:
        """Makes releases of the campaign's sources, or of those in another folder that is laid out like it."""
        return Publisher(self.publish_context(folder), self.clock)

    def publish_context(self, folder: Path | None = None) -> PublishContext:
        """Return what publishing works with."""
        return PublishContext(
            campaign=folder or self.paths.folder,
            cache=self.paths.cache,
            stores=self.stores,
            stores_of_site=lambda site: open_regions(self.paths, self.secrets, site=site),
            package_source_for=self.package_source_for,
            debian=Mmdebstrap(),
            describe_source=describe_source,
            run_build=run_build,
            sign=self.sign,
            builder=f"{getpass.getuser()}@{socket.gethostname()}",
        )

    @property
    def signer(self) -> Signer:
        """Makes keys and signs."""
        return Signer(self.signing_keys, self.secrets, Ed25519())

    def sign(self, release: Digest) -> Signature:
        """Return the active key's signature of a release."""
        return self.signer.sign(release)

    def contract_check(self, who: str, folder: Path | None = None) -> ContractCheck:
        """Return somebody's contract check, with what the sources in a campaign's folder make where nothing is live."""
        return ContractCheck(
            who=who,
            catalog=self.catalog,
            clock=self.clock,
            shelf=ReleaseStore(manifest_of=self.manifest_of, fetch=self.fetch),
            open_bench=self._open_bench,
            launcher=self._launcher,
            templates_of=partial(self._templates_of, self.publisher(folder)),
        )

    @contextmanager
    def _open_bench(self, stores: Sequence[str]) -> Iterator[CheckBench]:
        """Yield what instances are tried on, with stores of its own; all of it is gone after the block."""
        from handshake.drivers.redis.store import start_store  # noqa: PLC0415 -- see above

        with workplace(self.paths.run / "contract-checks") as folder:
            root = folder / INSTANCES
            sandboxes = Sandboxes(root, confinement=find_confinement(), cgroups=find_cgroups())
            yield CheckBench(
                host=SandboxHost(sandboxes),
                witness=SandboxProcessInspector(root),
                secrets={
                    name: start_store(self._throw_away(name), folder, choose_port(()), self.clock)
                    for name in stores
                },
            )

    def _throw_away(self, name: str) -> ThrowAwayStore:
        from handshake.drivers.redis.store import ThrowAwayStore  # noqa: PLC0415 -- see above

        live = self.live()
        known = live.policy.campaign.stores if live else self.publisher().campaign().stores
        its = known.get(name)
        return ThrowAwayStore(
            name=name,
            is_durable=its.durable if its else False,
            seed=self.paths.folder / its.seed if its and its.seed else None,
        )

    def _launcher(self, given: Mapping[str, str]) -> Launcher:
        """Return what puts launch orders together, with these secrets instead of the campaign's."""
        return Launcher(
            require_signed=self.signature_verifier.require_signed,
            fetch=self.fetch,
            base_of=self.base_of,
            contract_of=self.contract_of,
            secrets_of=lambda _: given,
        )

    def _templates_of(self, publisher: Publisher, subject: Subject) -> Digest:
        """Return the live template release; where none is live, that of the campaign's source."""
        live = self.pointers.get(subject)
        silent = ProgressReporter(step=lambda _: None, upload=lambda _: None)
        return live.release if live else publisher.publish(subject, silent)
