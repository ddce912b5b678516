"""What the agent tells a load balancer about an instance: slide 41, paced by replacement permits."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from handshake.control.agent.permits import PermitOffice
from handshake.core.digest import Digest, canonical_json
from handshake.core.errors import HandshakeError
from handshake.core.instance import InstanceReport
from handshake.core.pointer import Pointer
from handshake.core.release import Kind, Subject
from handshake.core.verdict import Evidence
from handshake.fleet.health_elb import (
    HEALTH,
    Answer,
    Check,
    Found,
    Level,
    LogLine,
    Missing,
    PointerRead,
    Unreadable,
    answer_check,
    choose_check,
    find_stale,
)
from handshake.telemetry.counters import Counters

_log = logging.getLogger(__name__)
_LEVELS = {Level.WARN: logging.WARNING, Level.ERROR: logging.ERROR}
_OK = 200


class Balancer:
    """Answers `/health-elb`. `ask` puts a question (host, port, path) to an instance."""

    def __init__(
        self,
        *,
        templates_of: Callable[[InstanceReport], Subject | None],
        read_pointer: Callable[[Subject], Pointer | None],
        office: PermitOffice,
        ask: Callable[[str, int, str], Evidence],
        counters: Counters,
    ) -> None:
        self._templates_of = templates_of
        self._read_pointer = read_pointer
        self._office = office
        self._ask = ask
        self._counters = counters

    def check_plainly(self, report: InstanceReport) -> Answer:
        """Return what the instance says of itself."""
        return self._carry_out(report, Check(path=HEALTH))

    def check(self, report: InstanceReport) -> Answer:
        """Return 503 for an instance that is ill, or that is stale and holds a permit to be replaced; else 200."""
        image = self._read(Subject(kind=Kind.IMAGE, name=report.service))
        if isinstance(image, Unreadable):
            return self._carry_out(report, choose_check(image))
        if isinstance(image, Found) and image.release != report.generation.image:
            return self._replace_image(report, image.release)
        subject = self._templates_of(report)
        if subject is None:
            return self._check_image(report)
        return self._check_templates(report, subject)

    def _replace_image(self, report: InstanceReport, release: Digest) -> Answer:
        """Answer for an instance of another image than the live one: what it serves, only a successor can change."""
        plain = self.check_plainly(report)
        return (
            self._pace(report, release, find_stale(report.generation.image)) if plain.status == _OK else plain
        )

    def _check_image(self, report: InstanceReport) -> Answer:
        """Answer for an instance of the live image that renders no templates."""
        answer = self.check_plainly(report)
        if answer.status == _OK:
            self._hear(report, report.generation.image)
        return answer

    def _check_templates(self, report: InstanceReport, subject: Subject) -> Answer:
        pointer = self._read(subject)
        answer = self._carry_out(report, choose_check(pointer))
        if not isinstance(pointer, Found):
            return answer
        if answer.status == _OK:
            self._hear(report, pointer.release)
            return answer
        plain = answer_check(self._ask(report.host, report.port, HEALTH))
        return self._pace(report, pointer.release, answer) if plain.status == _OK else answer

    def _carry_out(self, report: InstanceReport, check: Check) -> Answer:
        self._count(check.counted)
        answer = answer_check(self._ask(report.host, report.port, check.path))
        _write((*check.log, *answer.log))
        return answer

    def _read(self, subject: Subject) -> PointerRead:
        """Read the pointer from the catalogue itself: this answer is for those who have no agent to ask."""
        try:
            pointer = self._read_pointer(subject)
        except HandshakeError as error:
            return Unreadable(error=error.what)
        return Found(release=pointer.release) if pointer else Missing()

    def _pace(self, report: InstanceReport, release: Digest, stale: Answer) -> Answer:
        """Let a stale instance be ill for the balancer only while it holds a permit."""
        try:
            self._office.hear(report, release, is_fresh=False)
            ruling = self._office.ask(report, release)
        except HandshakeError as error:
            self._tell_error(error)
            return Answer(status=_OK)
        if ruling.is_held:
            return stale
        return Answer(status=_OK, body=canonical_json({"reason": ruling.why}))

    def _hear(self, report: InstanceReport, release: Digest) -> None:
        try:
            self._office.hear(report, release, is_fresh=True)
        except HandshakeError as error:
            self._tell_error(error)

    def _tell_error(self, error: HandshakeError) -> None:
        """An error of the catalogue makes nobody ill: it is counted and logged, as when reading the pointer."""
        check = choose_check(Unreadable(error=error.what))
        self._count(check.counted)
        _write(check.log)

    def _count(self, names: Iterable[str]) -> None:
        for name in names:
            self._counters.increment(name)


def _write(lines: Iterable[LogLine]) -> None:
    for line in lines:
        _log.log(_LEVELS[line.level], line.text)
