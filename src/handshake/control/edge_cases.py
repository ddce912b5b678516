"""The cases beside a policy: read, checked, tried. Nothing goes live while one fails."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from handshake.config.reader import Loaded, read_settings
from handshake.control.edge_ways import WayKind, find_way
from handshake.control.policy import Policy
from handshake.control.policy_files import CASES_FILE
from handshake.core.problem import Problem, ProblemsError
from handshake.edge.cases import CasesSettings
from handshake.edge.check_cases import check_cases
from handshake.edge.trial import Trial, try_cases


def try_folder(folder: Path, policy: Policy) -> tuple[Trial, ...]:
    """Return what comes of a folder's cases; ProblemsError names everything wrong with the file."""
    loaded = _read(folder, policy)
    return tuple(try_cases(loaded, policy.edge, partial(_name_way, policy)))


def find_failing_cases(folder: Path, policy: Policy) -> list[Problem]:
    """Return a problem for each case that fails, and for everything wrong with the file; none where there is no file."""
    if not (folder / CASES_FILE).is_file():
        return []
    try:
        return [_to_problem(trial) for trial in try_folder(folder, policy) if not trial.has_passed]
    except ProblemsError as error:
        return list(error.problems)


def _read(folder: Path, policy: Policy) -> Loaded[CasesSettings]:
    loaded = read_settings(CasesSettings, folder / CASES_FILE, shown_as=CASES_FILE)
    if problems := check_cases(loaded, policy.edge):
        raise ProblemsError(problems)
    return loaded


def _name_way(policy: Policy, method: str, path: str) -> tuple[str, int]:
    way = find_way(policy, method, path)
    named = way.kind in {WayKind.SITE, WayKind.SERVICE}
    return f"{way.kind} {way.name}" if named else str(way.kind), way.status


def _to_problem(trial: Trial) -> Problem:
    said = "; ".join(f"{its.key}: expected {its.expected}, found {its.found}" for its in trial.mismatches)
    met = ", ".join(f"{step.rule} ({step.where})" for step in trial.explanation.steps) or "none"
    return Problem(
        check="edge-case-fails",
        what=f"{trial.name!r}: {said}",
        where=trial.mismatches[0].where,
        hint=f"Rules that match: {met}. `handshake edge test` explains.",
    )
