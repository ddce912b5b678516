"""Shaking: a release is put through the contract check, and what came of it is written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from handshake.catalog.catalog import Catalog
from handshake.control.agent.launching import Launcher
from handshake.control.shake.sandboxed import Bench
from handshake.control.shake.trial import SandboxTrial, Shelf
from handshake.control.shaken import Shaken
from handshake.core.clock import Clock
from handshake.core.digest import Digest
from handshake.core.errors import RefusedError
from handshake.core.instance import Generation
from handshake.core.release import Kind, Subject
from handshake.image.contract import Contract, parse_contract
from handshake.image.debian_base import is_base
from handshake.image.shake.promise import Promise
from handshake.image.shake.promises import PROMISES
from handshake.image.shake.report import Judgement, ShakeReport, has_passed, judge_promises

Tell = Callable[[int, Promise], None]
"""Hears how many promises were judged, and which one is put to the test now."""


@dataclass(frozen=True, kw_only=True)
class Shaking:
    """Puts releases of images through the contract check."""

    who: str
    catalog: Catalog
    clock: Clock
    shelf: Shelf
    open_bench: Callable[[Sequence[str]], AbstractContextManager[Bench]]
    """Names of stores -> a bench with throw-away stores of these names."""
    launcher: Callable[[Mapping[str, str]], Launcher]
    """Secrets -> what puts launch orders together with them."""
    templates_of: Callable[[Subject], Digest]
    """The template release that a renderer is tried with."""

    def shake(self, subject: Subject, release: Digest, tell: Tell) -> ShakeReport:
        """Put a release through the contract check, write down what came of it, and return the report.

        RefusedError where the release is no image; UnavailableError where it, or what it needs, cannot be had.
        """
        manifest = self.shelf.manifest_of(release)
        if manifest.kind is not Kind.IMAGE:
            raise RefusedError(f"{subject} is no image", hint="Only services make promises: image/NAME.")
        if is_base(manifest):
            raise RefusedError(
                f"{subject} is a base", hint="A base promises nothing; name it in a service.toml."
            )
        begun = self.clock.monotonic()
        judgements = self._judge(subject.name, release, parse_contract(manifest.contract), tell)
        report = ShakeReport(
            service=subject.name,
            release=release,
            passed=has_passed(judgements),
            judgements=judgements,
            by=self.who,
            at=self.clock.now(),
            seconds=round(self.clock.monotonic() - begun, 2),
        )
        Shaken(self.catalog).write(report)
        return report

    def shake_unless_passed(self, subject: Subject, release: Digest, tell: Tell) -> ShakeReport:
        """Return the report of a release that has passed; of any other, that of a new contract check."""
        known = Shaken(self.catalog).find(release)
        return known if known and known.passed else self.shake(subject, release, tell)

    def _judge(self, service: str, release: Digest, contract: Contract, tell: Tell) -> tuple[Judgement, ...]:
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
