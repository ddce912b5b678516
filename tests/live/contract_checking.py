"""Put a service's source through the contract check, on a bench and with releases of a test's own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from handshake.core.clock import SystemClock
from handshake.core.digest import Digest
from handshake.core.subject import Kind, Subject
from handshake.drivers.process.workplace import INSTANCES, workplace
from handshake.drivers.redis.store import ThrowAwayStore, start_store
from handshake.drivers.sandbox.confinement import find_confinement
from handshake.drivers.sandbox.process_inspector import SandboxProcessInspector
from handshake.drivers.sandbox.sandboxes import Sandboxes, SandboxHost
from handshake.fleet.instances.instances import choose_port
from handshake.fleet.instances.launch import Launcher
from handshake.image.contract_check.check import ContractCheck, ReleaseStore
from handshake.image.contract_check.instance import CheckBench
from handshake.image.contract_check.report import ContractReport
from handshake.image.recipe import contract_of, read_recipe
from handshake.release.image_contract import parse_contract, print_contract
from handshake.release.manifest import Manifest, release_id
from handshake.release.tree import materialise, scan_tree
from tests.support.catalog import MemoryCatalog

CAMPAIGN = Path(__file__).parents[2] / "examples" / "campaign"


@dataclass(kw_only=True)
class ContractChecker:
    """Makes releases and puts them through the contract check. Its folder must be one that other users may enter: instances run as one."""

    folder: Path
    catalog: MemoryCatalog = field(default_factory=MemoryCatalog)
    manifests: dict[Digest, Manifest] = field(default_factory=dict)
    templates: dict[str, Digest] = field(default_factory=dict)

    @property
    def contract_check(self) -> ContractCheck:
        """The contract check over this folder's releases."""
        return ContractCheck(
            who="test",
            catalog=self.catalog,
            clock=SystemClock(),
            shelf=ReleaseStore(manifest_of=self.manifests.__getitem__, fetch=self.tree),
            open_bench=self.open_bench,
            launcher=self.launcher,
            templates_of=lambda subject: self.templates[subject.name],
        )

    def check(self, name: str, release: Digest) -> ContractReport:
        """Put a release through the contract check."""
        return self.contract_check.run(Subject(kind=Kind.IMAGE, name=name), release, lambda _, __: None)

    def make_image(self, source: Path) -> Digest:
        """Make a release of a service that only copies."""
        recipe = read_recipe(source).model
        staging = self.folder / "staging" / source.name
        for step in recipe.build:
            copied, target = (source / step.copy_).resolve(), staging / step.to
            if copied.is_dir():
                shutil.copytree(copied, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                target.mkdir(parents=True, exist_ok=True)
                shutil.copy(copied, target)
        return self.make_release(Kind.IMAGE, staging, print_contract(contract_of(recipe)))

    def make_templates(self, name: str, source: Path) -> None:
        """Make a release of templates."""
        self.templates[name] = self.make_release(Kind.TEMPLATES, source, {})

    def make_release(self, kind: Kind, source: Path, contract: dict[str, object]) -> Digest:
        """Make a release of a folder as it is."""
        manifest = Manifest(
            kind=kind, files=scan_tree(source), base="host" if contract else "", contract=contract
        )
        release = release_id(manifest)
        self.manifests[release] = manifest
        contents = {file.digest: source / file.path for file in manifest.files}
        if not self.tree(release).exists():
            self.tree(release).parent.mkdir(exist_ok=True)
            materialise(manifest.files, lambda digest: contents[digest].read_bytes(), self.tree(release))
        return release

    def tree(self, release: Digest) -> Path:
        """Return where a release's files lie."""
        return self.folder / "trees" / release.removeprefix("sha256:")

    @contextmanager
    def open_bench(self, stores: Sequence[str]) -> Iterator[CheckBench]:
        """Yield a bench with stores."""
        with workplace(self.folder / "contract-checks") as place:
            root = place / INSTANCES
            seeds = {"content": CAMPAIGN / "content"}
            wanted = [
                ThrowAwayStore(name=name, is_durable=name == "ledger", seed=seeds.get(name))
                for name in stores
            ]
            yield CheckBench(
                host=SandboxHost(Sandboxes(root, confinement=find_confinement())),
                witness=SandboxProcessInspector(root),
                secrets={
                    each.name: start_store(each, place, choose_port(()), SystemClock()) for each in wanted
                },
            )

    def launcher(self, given: Mapping[str, str]) -> Launcher:
        """Return what puts launch orders together."""
        return Launcher(
            require_signed=lambda _: None,
            fetch=self.tree,
            base_of=lambda _: None,
            contract_of=lambda release: parse_contract(self.manifests[release].contract),
            secrets_of=lambda _: given,
        )
