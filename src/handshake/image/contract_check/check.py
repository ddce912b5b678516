"""The contract check: launches instances of a release in sandboxes and checks every promise."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from handshake.catalog.catalog import Catalog
from handshake.core.clock import Clock
from handshake.core.digest import Digest
from handshake.core.errors import RefusedError
from handshake.core.subject import Kind, Subject
from handshake.fleet.instance import Assignment, Generation
from handshake.fleet.instances.instances import choose_port
from handshake.fleet.instances.launch import Launcher
from handshake.image.bases import is_base
from handshake.image.contract_check.instance import CheckBench, SandboxedInstance
from handshake.image.contract_check.promises import PROMISES, Promise
from handshake.image.contract_check.report import (
    ContractJudgement,
    ContractReport,
    ContractResults,
    has_passed,
    judge_promises,
)
from handshake.image.contract_check.trial import SilentError, TrialRequest
from handshake.release.image_contract import Contract, parse_contract
from handshake.release.manifest import Manifest
from handshake.release.tree import scan_tree

# A trial: instances of one image, launched as an agent launches them, on a bench of their own.

HOST = "127.0.0.1"
_NODE = "contract-check"
_TAIL_LINES = 5


@dataclass(frozen=True, kw_only=True)
class ReleaseStore:
    """The source of releases."""

    manifest_of: Callable[[Digest], Manifest]
    fetch: Callable[[Digest], Path]
    """A release's tree on this machine."""


class SandboxTrial:
    """Implements the Protocol Trial with real sandboxes."""

    def __init__(
        self,
        *,
        service: str,
        generation: Generation,
        contract: Contract,
        bench: CheckBench,
        launcher: Callable[[dict[str, str]], Launcher],
        shelf: ReleaseStore,
        clock: Clock,
    ) -> None:
        self.contract = contract
        self.templates = generation.templates
        self._service = service
        self._generation = generation
        self._bench = bench
        self._launcher = launcher
        self._shelf = shelf
        self._clock = clock
        self._answering: list[SandboxedInstance] = []
        self._launched: list[SandboxedInstance] = []
        self._silent: SilentError | None = None

    def one(self) -> SandboxedInstance:
        """Return an instance that answers."""
        return self._at_least(1)[-1]

    def twins(self) -> tuple[SandboxedInstance, SandboxedInstance]:
        """Return two instances that answer."""
        first, second = self._at_least(2)[:2]
        return first, second

    def stripped(self) -> SandboxedInstance:
        """Return an instance that was launched without its secrets."""
        return self._launch({})

    def changed_files(self) -> tuple[str, ...]:
        """Return the files of the image and its templates that are not what their releases say."""
        releases = filter(None, (self._generation.image, self._generation.templates))
        return tuple(path for release in releases for path in self._changed(release))

    def renew(self) -> None:
        """End the instances, so that whoever needs one gets a new one."""
        for instance in self._answering:
            instance.kill()
        self._answering.clear()

    def close(self) -> None:
        """End everything that was launched, and keep nothing of it."""
        with ThreadPoolExecutor(thread_name_prefix="contract-check") as pool:
            for _ in pool.map(SandboxedInstance.remove, self._launched):
                pass

    def _at_least(self, count: int) -> list[SandboxedInstance]:
        """Return instances that answer. One that was silent once is not waited for again: it costs a deadline."""
        if self._silent:
            raise self._silent
        self._answering = [instance for instance in self._answering if instance.is_running()]
        newcomers = [self._launch(self._bench.secrets) for _ in range(count - len(self._answering))]
        with ThreadPoolExecutor(max_workers=2, thread_name_prefix="boot") as pool:
            self._answering += pool.map(self._await, newcomers)
        return self._answering

    def _launch(self, given: dict[str, str]) -> SandboxedInstance:
        digits = base64.b32encode(secrets.token_bytes(5)).decode().lower()
        taken = {int(instance.address.rpartition(":")[2]) for instance in self._launched}
        name, port = f"{self._service}-{digits}", choose_port(taken, HOST)
        now = self._clock.now()
        assignment = Assignment(
            instance=name,
            node=_NODE,
            service=self._service,
            generation=self._generation,
            assigned_at=now,
            phase_at=now,
        )
        instance = SandboxedInstance(
            name,
            f"{HOST}:{port}",
            bench=self._bench,
            clock=self._clock,
            drain_seconds=self.contract.drain_seconds,
        )
        self._launched.append(instance)
        self._bench.host.launch(self._launcher(given).order(assignment, HOST, port))
        return instance

    def _await(self, instance: SandboxedInstance) -> SandboxedInstance:
        deadline = self.contract.health.deadline_seconds
        answer = instance.wait_for_good(TrialRequest(path=self.contract.health.path), deadline)
        if answer.is_good:
            return instance
        ending = instance.ending()
        how = f"it ended with {ending.code}" if ending else f"its last answer was {answer}"
        log = instance.log()[-_TAIL_LINES:]
        self._silent = SilentError(f"no good answer within {deadline:g} s: {how}", log)
        raise self._silent

    def _changed(self, release: Digest) -> list[str]:
        said = {(file.path, file.digest, file.mode) for file in self._shelf.manifest_of(release).files}
        found = {(file.path, file.digest, file.mode) for file in scan_tree(self._shelf.fetch(release))}
        return sorted({path for path, _, _ in said ^ found})


Tell = Callable[[int, Promise], None]
"""Called with the number of promises judged so far and the one being checked."""


@dataclass(frozen=True, kw_only=True)
class ContractCheck:
    """Runs the contract check on releases of images."""

    who: str
    catalog: Catalog
    clock: Clock
    shelf: ReleaseStore
    open_bench: Callable[[Sequence[str]], AbstractContextManager[CheckBench]]
    """Names of stores -> a bench with throw-away stores of these names."""
    launcher: Callable[[Mapping[str, str]], Launcher]
    """Secrets -> what assembles launch orders with them."""
    templates_of: Callable[[Subject], Digest]
    """The template release that a renderer is tried with."""

    def run(self, subject: Subject, release: Digest, tell: Tell) -> ContractReport:
        """Put a release through the contract check, write down the result of it, and return the report.

        RefusedError where the release is no image; UnavailableError where it, or what it needs, cannot be had.
        """
        manifest = self.shelf.manifest_of(release)
        if manifest.kind is not Kind.IMAGE:
            raise RefusedError(
                f"{subject} is not an image", hint="Only services have a contract: image/NAME."
            )
        if is_base(manifest):
            raise RefusedError(
                f"{subject} is a base", hint="A base has no contract; use it in a service.toml."
            )
        begun = self.clock.monotonic()
        judgements = self._judge(subject.name, release, parse_contract(manifest.contract), tell)
        report = ContractReport(
            service=subject.name,
            release=release,
            passed=has_passed(judgements),
            judgements=judgements,
            by=self.who,
            at=self.clock.now(),
            seconds=round(self.clock.monotonic() - begun, 2),
        )
        ContractResults(self.catalog).write(report)
        return report

    def run_unless_passed(self, subject: Subject, release: Digest, tell: Tell) -> ContractReport:
        """Return the report of a release that has passed; of any other, that of a new contract check."""
        known = ContractResults(self.catalog).find(release)
        return known if known and known.passed else self.run(subject, release, tell)

    def _judge(
        self, service: str, release: Digest, contract: Contract, tell: Tell
    ) -> tuple[ContractJudgement, ...]:
        generation = Generation(image=release, templates=self._templates(contract))
        with self.open_bench(contract.stores) as bench:
            trial = SandboxTrial(
                service=service,
                generation=generation,
                contract=contract,
                bench=bench,
                launcher=self.launcher,
                shelf=self.shelf,
                clock=self.clock,
            )
            try:
                return tuple(
                    judge_promises(
                        PROMISES,
                        trial,
                        tell=lambda promise: tell(PROMISES.index(promise), promise),
                        monotonic=self.clock.monotonic,
                        renew=trial.renew,
                    )
                )
            finally:
                trial.close()

    def _templates(self, contract: Contract) -> Digest | None:
        if not contract.templates:
            return None
        return self.templates_of(Subject(kind=Kind.TEMPLATES, name=contract.templates))
