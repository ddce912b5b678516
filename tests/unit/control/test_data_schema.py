"""A data folder of another schema is never half-used: it is refused before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from handshake.core.problem import ProblemsError
from handshake.release.node_paths import (
    SCHEMA,
    NodePaths,
    find_node,
    make_folders,
    require_schema,
    save_node,
    write_schema,
)


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NodePaths:
    """A campaign that was never up."""
    monkeypatch.setenv("HANDSHAKE_HOME", str(tmp_path))
    return NodePaths(
        name="test",
        node="n1",
        folder=tmp_path,
        run=tmp_path / "run" / "test",
        data=tmp_path / "data" / "test",
        countries="",
        catalog="",
        agent="",
        dashboard="",
        ingress="",
        dogstatsd="",
        regions={},
        stores={},
    )


def refusal(paths: NodePaths) -> str:
    """Return what is said of a data folder that is refused."""
    with pytest.raises(ProblemsError) as refused:
        require_schema(paths)
    (problem,) = refused.value.problems
    assert problem.check == "data-of-another-schema"
    assert problem.where.file in {str(paths.data), str(paths.schema_file)}
    return problem.what


@pytest.mark.parametrize("early", ["cache/layers/one", "secrets/bucket-east"])
def test_a_folder_that_was_never_up_is_new(paths: NodePaths, early: str) -> None:
    """What `bake` cached and an operator's secrets make a folder no older."""
    (paths.data / early).mkdir(parents=True)
    require_schema(paths)


def test_a_first_start_that_broke_off_can_be_repeated(paths: NodePaths) -> None:
    """Empty folders say nothing of a schema."""
    make_folders(paths)
    require_schema(paths)


def test_a_folder_of_this_schema_is_used_again(paths: NodePaths) -> None:
    """The number that the first start wrote is the one that the next start accepts."""
    make_folders(paths)
    write_schema(paths)
    (paths.data / "catalog").mkdir()
    (paths.data / "catalog" / "catalog.db").touch()
    require_schema(paths)


@pytest.mark.parametrize("folder", ["catalog", "regions", "trees"])
def test_data_without_a_number_are_of_an_earlier_schema(paths: NodePaths, folder: str) -> None:
    """Versions that wrote no number named keys and files otherwise; a joined node has trees only."""
    (paths.data / folder / "something").mkdir(parents=True)
    assert "an earlier version" in refusal(paths)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (f"{SCHEMA - 1}\n", "an earlier version"),
        (f"{SCHEMA + 1}\n", "a later version"),
        ("two\n", "another version"),
        ("", "another version"),
    ],
)
def test_another_number_is_refused(paths: NodePaths, said: str, told: str) -> None:
    """A lower number, a higher one, and what is no number: each is refused."""
    make_folders(paths)
    paths.schema_file.write_text(said)
    assert told in refusal(paths)


def test_verbs_refuse_a_campaign_of_another_schema(paths: NodePaths) -> None:
    """A campaign that is up over such data is found by who only stops it, and refused to all others."""
    save_node(paths)
    (paths.data / "catalog" / "something").mkdir(parents=True)
    with pytest.raises(ProblemsError, match="data-of-another-schema"):
        find_node()
    assert find_node(is_any_schema=True) == paths
