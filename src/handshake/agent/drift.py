"""Drift: what runs compared with the pointers, file by file. Read-only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from handshake.campaign.live_policy import LivePolicy
from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode
from handshake.catalog.keys import ASSIGNMENTS, rollout_key
from handshake.core.clock import Clock
from handshake.core.digest import Digest, digits, short
from handshake.core.errors import HandshakeError
from handshake.core.problem import ProblemsError
from handshake.core.subject import Subject
from handshake.fleet.engine.state import Rollout, Stage
from handshake.fleet.generations import GenerationReader
from handshake.fleet.instance import Assignment
from handshake.pointers.pointer import Pointer
from handshake.release.manifest import Manifest, ManifestFile
from handshake.release.tree import scan_tree

NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True)
class DriftDifference:
    """One difference from what the pointers ask for."""

    thing: str
    """`hamm-abc`, `file bin/serve of 4f1e07`, `gateway@n1`."""
    wanted: str
    found: str
    plan: str = ""
    """What is being done about it; empty if nothing is: that is drift."""


@dataclass(frozen=True, kw_only=True)
class DriftReport:
    """What was checked on one node, and all differences."""

    node: str
    at: float
    looked_at: tuple[str, ...]
    differences: tuple[DriftDifference, ...]

    @property
    def has_drifted(self) -> bool:
        """Whether something differs and no plan of ours explains it."""
        return any(not difference.plan for difference in self.differences)


@dataclass(frozen=True, kw_only=True)
class RouterView:
    """A router of this node: what it should report as served, and what it reports now."""

    place: str
    read_wanted: Callable[[LivePolicy, Mapping[Subject, Pointer]], str]
    read_running: Callable[[], str]


@dataclass(frozen=True, kw_only=True)
class Inspector:
    """Compares one node with the catalogue and the regions."""

    node: str
    catalog: Catalog
    clock: Clock
    targets: GenerationReader
    trees: Path
    manifest_of: Callable[[Digest], Manifest]
    base_of: Callable[[Digest], Digest | None]
    running: Callable[[], Iterable[str]]
    """The instances on this node."""
    routers: tuple[RouterView, ...]

    def inspect(self, pointers: Mapping[Subject, Pointer], live: LivePolicy | None) -> DriftReport:
        """Return everything that differs now."""
        entries = self.catalog.read(ASSIGNMENTS).entries
        assignments = [decode(Assignment, entry.value) for entry in entries]
        own = [assignment for assignment in assignments if assignment.node == self.node]
        releases = sorted({release for assignment in own for release in self._releases(assignment)})
        differences = [
            *self._compare_generations(assignments, pointers),
            *_compare_processes(own, set(self.running()), self.node),
            *(difference for release in releases for difference in self._compare_tree(release)),
        ]
        if live:
            differences += [d for view in self.routers if (d := _compare_router(view, live, pointers))]
        looked_at = (
            f"{len(assignments)} instances",
            f"{len(releases)} trees of {self.node}",
            *(view.place for view in self.routers if live),
        )
        return DriftReport(
            node=self.node, at=self.clock.now(), looked_at=looked_at, differences=tuple(differences)
        )

    def _releases(self, assignment: Assignment) -> Iterator[Digest]:
        generation = assignment.generation
        yield generation.image
        if generation.templates:
            yield generation.templates
        if base := self.base_of(generation.image):
            yield base

    def _compare_generations(
        self, assignments: Iterable[Assignment], pointers: Mapping[Subject, Pointer]
    ) -> Iterator[DriftDifference]:
        for assignment in assignments:
            target = self.targets.generation(assignment.service, pointers)
            if target is not None and assignment.generation != target:
                yield DriftDifference(
                    thing=assignment.instance,
                    wanted=str(target),
                    found=str(assignment.generation),
                    plan=self._find_plan(assignment.service),
                )

    def _find_plan(self, service: str) -> str:
        """Return what the rollout does about its fleet; a settled one keeps nothing but a warm fleet beside it."""
        entry = self.catalog.get(rollout_key(service))
        rollout = decode(Rollout, entry.value) if entry else None
        if rollout is None:
            return ""
        is_warm = rollout.warm is not None and self.clock.now() < rollout.warm.until
        is_at_rest = rollout.stage is Stage.SETTLED and not (is_warm or rollout.bad)
        return "" if is_at_rest else f"{rollout.stage}: {rollout.reason}"

    def _compare_tree(self, release: Digest) -> Iterator[DriftDifference]:
        tree = self.trees / digits(release)
        if not tree.is_dir():
            yield DriftDifference(thing=f"tree of {short(release)}", wanted=str(tree), found=NOTHING)
            return
        try:
            wanted, found = self.manifest_of(release).files, scan_tree(tree, may_link=True)
        except ProblemsError as error:
            for problem in error.problems:
                yield DriftDifference(
                    thing=f"{problem.where}", wanted="a file of the release", found=problem.what
                )
        except HandshakeError as error:
            yield DriftDifference(thing=f"tree of {short(release)}", wanted="its manifest", found=error.what)
        else:
            yield from compare_files(release, wanted, found)


def compare_files(
    release: Digest, wanted: Iterable[ManifestFile], found: Iterable[ManifestFile]
) -> tuple[DriftDifference, ...]:
    """Return a difference for each file that is missing, too many, or not what the manifest says."""
    should = {file.path: replace(file, content_type="") for file in wanted}
    does = {file.path: file for file in found}
    return tuple(
        DriftDifference(
            thing=f"file {path} of {short(release)}",
            wanted=_print_file(should.get(path)),
            found=_print_file(does.get(path)),
        )
        for path in sorted(should.keys() | does.keys())
        if should.get(path) != does.get(path)
    )


def _compare_processes(own: Iterable[Assignment], running: set[str], node: str) -> Iterator[DriftDifference]:
    assigned = {assignment.instance for assignment in own}
    for name in sorted(assigned - running):
        yield DriftDifference(thing=name, wanted=f"running on {node}", found="not running")
    for name in sorted(running - assigned):
        yield DriftDifference(thing=name, wanted=NOTHING, found=f"running on {node}, not assigned")


def _compare_router(
    view: RouterView, live: LivePolicy, pointers: Mapping[Subject, Pointer]
) -> DriftDifference | None:
    try:
        wanted, found = view.read_wanted(live, pointers), view.read_running()
    except HandshakeError as error:
        return DriftDifference(thing=view.place, wanted="an answer", found=error.what)
    return (
        DriftDifference(thing=view.place, wanted=wanted, found=found or NOTHING) if wanted != found else None
    )


def _print_file(file: ManifestFile | None) -> str:
    return f"{short(file.digest)}, {file.size} bytes, mode {file.mode:o}" if file else NOTHING
