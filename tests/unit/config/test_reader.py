"""Configuration files are read whole, and every problem is reported at once with its place."""

from pathlib import Path

import pytest
from pydantic import Field

from handshake.config.reader import parse_settings, read_settings
from handshake.config.settings import Settings
from handshake.core.problem import Location, ProblemsError


class Service(Settings):
    source: str
    floor: int = Field(default=1, ge=1)


class Rule(Settings):
    name: str
    codes: tuple[int, ...] = ()


class System(Settings):
    name: str
    services: dict[str, Service] = Field(default_factory=dict)
    rule: tuple[Rule, ...] = ()


GOOD = """\
name = "campaign"
[services.hamm]
source = "services/hamm"
[[rule]]
name = "one"
[[rule]]
name = "two"
codes = [1, 2]
"""


def problems_of(text: str) -> dict[str, tuple[str, Location]]:
    with pytest.raises(ProblemsError) as caught:
        parse_settings(System, text, shown_as="h.toml")
    return {problem.check: (problem.hint, problem.where) for problem in caught.value.problems}


def test_values_know_their_place() -> None:
    """A value that was read knows its line and column, also inside arrays of tables."""
    source = parse_settings(System, GOOD, shown_as="h.toml").source

    assert source.at("rule", 1, "name") == Location(file="h.toml", line=7, column=1)
    assert source.at("rule", 1, "codes", 1) == Location(file="h.toml", line=8, column=13)
    assert source.at("services", "hamm", "source") == Location(file="h.toml", line=3, column=1)


def test_absent_values_are_placed_at_their_table() -> None:
    """A value that is missing is placed at the table that should hold it."""
    source = parse_settings(System, GOOD, shown_as="h.toml").source

    assert source.at("services", "hamm", "floor") == Location(file="h.toml", line=2, column=2)


def test_all_problems_are_reported_at_once() -> None:
    """Four mistakes in one file give four problems, each in its place."""
    found = problems_of('nam = "x"\n[services.hamm]\nfloor = 0\n[[rule]]\nname = 7\n')

    assert set(found) == {"unknown-key", "missing-key", "bad-value", "wrong-type"}
    assert found["bad-value"][1] == Location(file="h.toml", line=3, column=1)
    assert found["wrong-type"][1] == Location(file="h.toml", line=5, column=1)


def test_unknown_keys_name_the_nearest_known_one() -> None:
    """A misspelt key in a nested table is answered with the key that was meant."""
    found = problems_of('name = "x"\n[services.hamm]\nsource = "s"\nflor = 2\n')

    assert found["unknown-key"] == ("Did you mean floor?", Location(file="h.toml", line=4, column=1))


def test_text_that_is_no_toml_is_placed() -> None:
    """A syntax error carries the line on which the text stops being TOML."""
    found = problems_of('name = "x"\n= 3\n')

    assert found["syntax"][1].line == 2


def test_missing_file_is_a_problem_with_a_hint(tmp_path: Path) -> None:
    """A file that does not exist is a problem of the input, not a traceback."""
    with pytest.raises(ProblemsError) as caught:
        read_settings(System, tmp_path / "absent.toml", shown_as="absent.toml")

    assert [problem.check for problem in caught.value.problems] == ["missing-file"]
