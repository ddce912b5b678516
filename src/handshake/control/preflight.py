"""Before anything starts: everything that would keep the house from coming up, found in one go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from handshake.config.reader import read_settings
from handshake.control.campaign import CampaignSettings, listening
from handshake.control.edge_cases import find_failing_cases
from handshake.control.policy import read_policy
from handshake.control.policy_files import CAMPAIGN_FILE
from handshake.control.sources import check_sources
from handshake.core.problem import Location, Problem, ProblemsError

PortCheck = Callable[[int, str, Location], list[Problem]]
"""Port, what needs it, where that is written -> a problem where somebody else listens there."""


def require_folder(folder: Path) -> None:
    """Return where there is a folder; ProblemsError where there is none."""
    if folder.is_dir():
        return
    problem = Problem(
        check="missing-folder",
        what="there is no such folder",
        where=Location(file=str(folder)),
        hint="Name the folder that holds handshake.toml.",
    )
    raise ProblemsError([problem])


def check_folder(folder: Path) -> list[Problem]:
    """Return everything wrong with what an operator wrote: policy, its cases that fail, and sources."""
    try:
        policy = read_policy(folder)
    except ProblemsError as error:
        return [*error.problems, *check_sources(folder)]
    return [*find_failing_cases(folder, policy), *check_sources(folder)]


def check_ports(folder: Path, check_port: PortCheck) -> list[Problem]:
    """Return a problem for every port that the campaign needs and somebody else has."""
    try:
        loaded = read_settings(CampaignSettings, folder / CAMPAIGN_FILE, shown_as=CAMPAIGN_FILE)
    except ProblemsError:
        return []
    return [
        problem
        for path, address in listening(loaded.model)
        for problem in check_port(int(address.rpartition(":")[2]), ".".join(path), loaded.source.at(*path))
    ]
