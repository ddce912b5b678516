"""Samples: what a gateway's access log says of the instances that are being compared."""

from __future__ import annotations

import json
from pathlib import Path

from handshake.catalog.codec import decode, encode
from handshake.catalog.entries import Delete, Write
from handshake.catalog.keys import assignment_key, samples_key
from handshake.drivers.process.processes import Following
from handshake.fleet.engine.canary_analysis import CanarySample, bin_latency
from handshake.fleet.instance import Assignment, Generation, Purpose
from handshake.fleet.instances.metrics import NodeSamples, Sampler
from tests.support.catalog import MemoryCatalog
from tests.unit.control.controlled import release


def line(member: str, *, status: int = 200, answer_ms: int = 12, ended: str = "--") -> bytes:
    """Return a line of the access log."""
    said = {"member": member, "status": status, "answer_ms": answer_ms, "ended": ended, "path": "/hamm-c"}
    return json.dumps(said).encode()


def assign(catalog: MemoryCatalog, instance: str, purpose: Purpose) -> None:
    """Let an instance be assigned for a purpose, to another node."""
    assignment = Assignment(
        instance=instance,
        node="n2",
        service="hamm",
        generation=Generation(image=release("good")),
        purpose=purpose,
        assigned_at=1.0,
        phase_at=1.0,
    )
    catalog.transact([Write(key=assignment_key("n2", instance), value=encode(assignment))])


def sampler(catalog: MemoryCatalog, *lines: bytes) -> Sampler:
    """Return the sampler of node n1, whose gateway logs these lines once."""
    logged = list(lines)

    def read_log() -> tuple[bytes, ...]:
        new, logged[:] = tuple(logged), []
        return new

    return Sampler(node="n1", catalog=catalog, read_log=read_log)


def read(catalog: MemoryCatalog) -> dict[str, CanarySample]:
    """Return what lies in the catalogue."""
    entry = catalog.get(samples_key("n1"))
    return {sample.instance: sample for sample in decode(NodeSamples, entry.value).samples} if entry else {}


def compared() -> MemoryCatalog:
    """Return a catalogue with a canary, its baseline, and a third instance."""
    catalog = MemoryCatalog()
    assign(catalog, "hamm-c", Purpose.CANARY)
    assign(catalog, "hamm-b", Purpose.BASELINE)
    assign(catalog, "hamm-s", Purpose.STEADY)
    return catalog


def test_only_those_that_are_compared_are_counted() -> None:
    """Canaries and baselines of any node are counted, others are not, whatever a visitor writes into a path."""
    catalog = compared()
    sampler(
        catalog, line("hamm-c"), line("hamm-c"), line("hamm-b"), line("hamm-s"), b"Loading success."
    ).cycle()
    counted = {name: sample.requests for name, sample in read(catalog).items()}
    assert counted == {"hamm-c": 2, "hamm-b": 1}


def test_what_is_no_good_answer_is_an_error() -> None:
    """500 and more, and no answer at all, are errors; 404 is the visitor's; who left says nothing."""
    catalog = compared()
    lines = (
        line("hamm-c", status=404),
        line("hamm-c", status=503),
        line("hamm-c", status=-1, answer_ms=-1, ended="SH"),
        line("hamm-c", status=-1, answer_ms=-1, ended="CH"),
    )
    sampler(catalog, *lines).cycle()
    said = read(catalog)["hamm-c"]
    assert (said.requests, said.errors, said.latencies) == (3, 2, ((bin_latency(12), 1),))


def test_a_new_agent_goes_on_counting() -> None:
    """What an agent has counted is not lost with it."""
    catalog = compared()
    sampler(catalog, line("hamm-c")).cycle()
    sampler(catalog, line("hamm-c")).cycle()
    assert read(catalog)["hamm-c"].requests == 2


def test_who_is_gone_is_forgotten() -> None:
    """The record holds nobody who is not compared any more."""
    catalog = compared()
    one = sampler(catalog, line("hamm-c"))
    one.cycle()
    catalog.transact([Delete(key=assignment_key("n2", "hamm-c"))])
    one.cycle()
    assert set(read(catalog)) == {"hamm-b"}


def test_nothing_new_writes_nothing() -> None:
    """A cycle without new lines leaves the catalogue alone."""
    catalog = compared()
    one = sampler(catalog)
    one.cycle()
    before = catalog.read("").index
    one.cycle()
    assert catalog.read("").index == before


def test_a_log_is_followed_line_by_line(tmp_path: Path) -> None:
    """Old lines are left alone, half a line waits for its end, and a log that begins anew is read from there."""
    log = tmp_path / "log"
    log.write_bytes(b"old\n")
    follow = Following(log)
    assert follow() == ()
    with log.open("ab") as file:
        file.write(b"one\ntw")
    assert follow() == (b"one",)
    with log.open("ab") as file:
        file.write(b"o\n")
    assert follow() == (b"two",)
    assert follow() == ()


def test_a_log_that_comes_later_is_read_from_its_beginning(tmp_path: Path) -> None:
    """Where there is no log yet, the first line that comes is new."""
    follow = Following(tmp_path / "log")
    assert follow() == ()
    (tmp_path / "log").write_bytes(b"first\n")
    assert follow() == (b"first",)
