"""Logs are lines on standard output: an instance's own files vanish with it, and nobody would read them."""

from __future__ import annotations

from dataclasses import dataclass

from handshake.image.shake.finding import Finding, broken, kept
from handshake.image.shake.request import Request
from handshake.image.shake.trial import Trial, TrialInstance

MISSING = "/contract-check"
"""A path that no service has: most write a line about it."""
_UNDECODABLE = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, kw_only=True)
class Logs:
    """An instance that has served has written lines of text."""

    name: str = "logs"
    sentence: str = "logs to standard output, in lines"

    def check(self, trial: Trial) -> Finding:
        """Ask both for something and something absent, then read what they wrote."""
        twins = trial.twins()
        for twin in twins:
            twin.ask(Request(path=trial.contract.health.path))
            twin.ask(Request(path=MISSING))
        for twin in twins:
            if fault := _fault(twin):
                return broken(fault, *twin.log()[-3:])
        return kept(f"{sum(len(twin.log()) for twin in twins)} lines from two instances")


def _fault(twin: TrialInstance) -> str:
    lines = twin.log()
    if not any(line.strip() for line in lines):
        return f"{twin.name} served requests and wrote nothing to standard output"
    if bad := [line for line in lines if not _is_text(line)]:
        return f"{len(bad)} of {len(lines)} lines are no text"
    return ""


def _is_text(line: str) -> bool:
    return _UNDECODABLE not in line and not any(
        ord(character) < ord(" ") and character != "\t" for character in line
    )
