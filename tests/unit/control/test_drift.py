"""Drift: every way in which a node may differ from the pointers is found, and what we do ourselves is no drift."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from handshake.agent.drift import DriftDifference, DriftReport, Inspector
from handshake.catalog.codec import encode
from handshake.catalog.entries import Write
from handshake.catalog.keys import assignment_key, rollout_key
from handshake.core.digest import Digest, digits
from handshake.core.subject import Kind
from handshake.fleet.engine.state import Rollout, Stage
from handshake.fleet.engine.strategy import Warm
from handshake.fleet.instance import Assignment, Generation
from handshake.release.manifest import Manifest, release_id
from handshake.release.tree import materialise, remove_tree, scan_tree
from tests.support.catalog import MemoryCatalog
from tests.support.clock import FakeClock
from tests.unit.control.controlled import IMAGE, LOOK, Controlled, release, targets


def make_tree(tmp_path: Path, name: str, files: dict[str, str]) -> tuple[Digest, Manifest]:
    """Materialise a release as a node does, and return its id and manifest."""
    source = tmp_path / "sources" / name
    for path, text in files.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text(text)
    manifest = Manifest(kind=Kind.IMAGE, files=scan_tree(source))
    blobs = {file.digest: (source / file.path).read_bytes() for file in manifest.files}
    (tmp_path / "trees").mkdir(exist_ok=True)
    materialise(manifest.files, blobs.__getitem__, tmp_path / "trees" / digits(release_id(manifest)))
    return release_id(manifest), manifest


@dataclass
class Node:
    """A node that runs two instances of one image with its templates, as the pointers say."""

    folder: Path
    catalog: MemoryCatalog = field(default_factory=MemoryCatalog)
    clock: FakeClock = field(default_factory=FakeClock)
    running: set[str] = field(default_factory=lambda: {"hamm-a", "hamm-b"})

    def __post_init__(self) -> None:
        self.image, image = make_tree(self.folder, "image", {"bin/serve": "serve", "etc/settings": "plain"})
        self.look, look = make_tree(self.folder, "look", {"page.html": "hello"})
        self.manifests = {self.image: image, self.look: look}
        self.generation = Generation(image=self.image, templates=self.look)
        for name in sorted(self.running):
            self.assign(name, self.generation)
        self.point(IMAGE, self.image)
        self.point(LOOK, self.look)
        self.record(Rollout(service="hamm", stable=self.generation))

    def point(self, subject: str, to: Digest) -> None:
        """Move a pointer."""
        controlled = Controlled(catalog=self.catalog, clock=self.clock)
        controlled.promote(subject, "")
        pointer = controlled.pointers.all()
        found = next(each for each in pointer.values() if str(each.subject) == subject)
        controlled.pointers.move_back(found, to=to, who="ada", why="because")

    def assign(self, name: str, generation: Generation) -> None:
        """Assign an instance to this node."""
        assignment = Assignment(
            instance=name, node="n1", service="hamm", generation=generation, assigned_at=1.0, phase_at=1.0
        )
        self.catalog.transact([Write(key=assignment_key("n1", name), value=encode(assignment))])

    def record(self, rollout: Rollout) -> None:
        """Keep the rollout's record."""
        self.catalog.transact([Write(key=rollout_key("hamm"), value=encode(rollout))])

    @property
    def tree(self) -> Path:
        """The image's tree."""
        return self.folder / "trees" / digits(self.image)

    def inspect(self) -> DriftReport:
        """Return what differs."""
        inspector = Inspector(
            node="n1",
            catalog=self.catalog,
            clock=self.clock,
            targets=targets(),
            trees=self.folder / "trees",
            manifest_of=self.manifests.__getitem__,
            base_of=lambda _: None,
            running=lambda: self.running,
            routers=(),
        )
        return inspector.inspect(Controlled(catalog=self.catalog, clock=self.clock).pointers.all(), None)

    def only_difference(self) -> DriftDifference:
        """Return the one thing that differs."""
        report = self.inspect()
        assert len(report.differences) == 1, report.differences
        return report.differences[0]


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """Return a node without drift."""
    return Node(tmp_path)


def overwrite(path: Path, text: str) -> None:
    """Write a file of a tree as somebody with root's rights may."""
    path.parent.chmod(0o755)
    if path.exists():
        path.chmod(0o644)
    path.write_text(text)
    path.chmod(0o444)


def test_what_is_as_it_should_be_is_no_drift(node: Node) -> None:
    """A node that runs what the pointers say has no differences, and the report says what was looked at."""
    report = node.inspect()
    assert not report.has_drifted
    assert report.differences == ()
    assert report.looked_at == ("2 instances", "2 trees of n1")


def test_a_changed_file_is_found(node: Node) -> None:
    """One byte of one file is enough, although size, mode and name are as they were."""
    overwrite(node.tree / "etc/settings", "plaim")
    difference = node.only_difference()
    assert difference.thing.startswith("file etc/settings of ")
    assert difference.wanted != difference.found
    assert node.inspect().has_drifted


def test_a_file_that_is_too_many_or_missing_is_found(node: Node) -> None:
    """A file that somebody put there, and one that somebody took away, are differences."""
    overwrite(node.tree / "bin/backdoor", "open")
    assert node.only_difference().wanted == "nothing"
    (node.tree / "bin/backdoor").unlink()
    (node.tree / "bin/serve").unlink()
    assert node.only_difference().found == "nothing"


def test_a_file_that_was_made_executable_is_found(node: Node) -> None:
    """A mode is part of a release."""
    (node.tree / "etc/settings").chmod(0o555)
    assert node.only_difference().found.endswith("mode 755")


def test_a_link_out_of_the_tree_is_found(node: Node) -> None:
    """A file that became a link to somewhere else is a difference."""
    node.tree.joinpath("etc").chmod(0o755)
    node.tree.joinpath("etc/settings").unlink()
    node.tree.joinpath("etc/settings").symlink_to("/etc/hostname")
    assert node.only_difference().thing.startswith("file etc/settings of ")


def test_a_tree_that_is_gone_is_found(node: Node) -> None:
    """An instance whose tree is gone from the disk has drifted."""
    remove_tree(node.tree)
    assert node.only_difference().found == "nothing"


def test_an_instance_of_another_generation_is_drift_only_at_rest(node: Node) -> None:
    """A rollout under way explains why something else runs; a settled fleet has no such excuse."""
    other = replace(node.generation, templates=release("fancy"))
    node.point(LOOK, release("fancy"))
    report = node.inspect()
    assert [difference.wanted for difference in report.differences] == [str(other)] * 2
    assert report.has_drifted
    node.record(Rollout(service="hamm", stable=node.generation, stage=Stage.TRIAL, reason="it soaks"))
    assert [difference.plan for difference in node.inspect().differences] == ["trial: it soaks"] * 2
    assert not node.inspect().has_drifted


def test_a_warm_fleet_is_no_drift_while_it_is_kept(node: Node) -> None:
    """What blue-green keeps for a way back is meant to be there, until its time is over."""
    node.point(LOOK, release("fancy"))
    warm = Warm(generation=node.generation, until=node.clock.now() + 60)
    node.record(Rollout(service="hamm", stable=node.generation, warm=warm))
    assert not node.inspect().has_drifted
    node.clock.advance(61)
    assert node.inspect().has_drifted


def test_who_runs_unasked_or_does_not_run_is_found(node: Node) -> None:
    """An instance that nobody assigned, and an assigned one that does not run, are differences."""
    node.running = {"hamm-a", "hamm-x"}
    found = {difference.thing: difference.found for difference in node.inspect().differences}
    assert found == {"hamm-b": "not running", "hamm-x": "running on n1, not assigned"}
