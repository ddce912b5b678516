"""Recipes are read whole: types, names, sources, targets and pins, with every problem in its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from handshake.core.digest import digest_bytes
from handshake.core.problem import ProblemsError
from handshake.fleet.instance import Assignment, Generation
from handshake.fleet.instances.launch import instance_environment
from handshake.image.check import check_recipe, check_requirements
from handshake.image.recipe import contract_of, read_recipe
from handshake.release.image_contract import Contract, Health, parse_contract, print_contract

SMALLEST = 'command = ["python3", "-m", "hamm"]\nbase = "host"\n[[build]]\ncopy = "hamm"\nto = "hamm"\n'
CONTRACT = Contract(
    command=("python3", "-m", "hamm"),
    health=Health(path="/health", deadline_seconds=10),
    environment={"PYTHONPATH": "/app/lib:/app"},
    stores=("ledger",),
    templates="secretary",
    drain_seconds=30,
    memory_megabytes=256,
)


@pytest.fixture
def service(tmp_path: Path) -> Path:
    """A service's folder in a campaign, with the smallest recipe and its source."""
    service = tmp_path / "campaign" / "hamm"
    (service / "hamm").mkdir(parents=True)
    (service / "hamm" / "__init__.py").touch()
    (service / "service.toml").write_text(SMALLEST)
    return service


def problems_of(service: Path, text: str) -> list[tuple[str, int]]:
    """Return what is wrong with a recipe: check and line."""
    (service / "service.toml").write_text(text)
    try:
        found = check_recipe(read_recipe(service), service, service.parent)
    except ProblemsError as error:
        found = list(error.problems)
    return [(problem.check, problem.where.line) for problem in found]


def test_smallest_recipe_is_complete(service: Path) -> None:
    """A command, a base and one step make a recipe; all else has a default that suits a small service."""
    loaded = read_recipe(service)
    assert check_recipe(loaded, service, service.parent) == []
    contract = contract_of(loaded.model)
    assert contract.command == ("python3", "-m", "hamm")
    assert (contract.health.path, contract.drain_seconds, contract.memory_megabytes) == ("/health", 30, 256)


@pytest.mark.parametrize("name", ["HOST", "PORT", "HANDSHAKE_IMAGE"])
def test_recipe_cannot_set_what_the_node_sets(service: Path, name: str) -> None:
    """A variable that the node gives every instance is refused in a recipe."""
    assert problems_of(service, f'{SMALLEST}[environment]\n{name} = "x"\n') == [("bad-value", 7)]


def test_recipe_may_set_a_name_that_only_begins_alike(service: Path) -> None:
    """HOSTNAME and PORTAL are a service's own business."""
    assert problems_of(service, f'{SMALLEST}[environment]\nHOSTNAME = "x"\nPORTAL = "y"\n') == []


def test_every_type_problem_is_reported_at_once(service: Path) -> None:
    """Unknown keys, wrong types and impossible values are all found in one go, each at its line."""
    text = (
        'command = []\nbase = "debian"\nstore = []\nstores = ["../etc"]\nmemory_megabytes = "much"\n'
        '[health]\npath = "health"\n[environment]\nPORT = "80"\n[[build]]\ncopy = "hamm"\n'
    )
    assert sorted(problems_of(service, text), key=lambda found: found[1]) == [
        ("bad-value", 1),
        ("bad-value", 2),
        ("unknown-key", 3),
        ("bad-value", 4),
        ("wrong-type", 5),
        ("bad-value", 7),
        ("bad-value", 9),
        ("missing-key", 10),
    ]


@pytest.mark.parametrize(
    ("step", "check", "line"),
    [
        ('to = "x"', "build-step-kind", 3),
        ('copy = "hamm"\npython = "hamm/__init__.py"\nto = "x"', "build-step-kind", 3),
        ('copy = "hamm"\nto = "../x"', "build-target", 5),
        ('copy = "hamm"\nto = "/x"', "build-target", 5),
        ('copy = "hamn"\nto = "x"', "build-source-missing", 4),
        ('copy = "../.."\nto = "x"', "build-source-outside", 4),
        ('copy = "/etc"\nto = "x"', "build-source-outside", 4),
        ('platform = ["core", "cora"]\nto = "x"', "unknown-room", 4),
        ('platform = ["../handshake/core"]\nto = "x"', "unknown-room", 4),
        ('platform = [".."]\nto = "x"', "unknown-room", 4),
    ],
)
def test_bad_step_is_a_problem(service: Path, step: str, check: str, line: int) -> None:
    """A step without a single source, with a source or target out of bounds, or an unknown room is a problem."""
    found = problems_of(service, f'command = ["true"]\nbase = "host"\n[[build]]\n{step}\n')
    assert (check, line) in found
    assert {name for name, _ in found} <= {check, "unknown-room"}


def test_nearest_room_is_named(service: Path) -> None:
    """The hint for an unknown room names the nearest one that exists."""
    (service / "service.toml").write_text(SMALLEST + '[[build]]\nplatform = ["cora"]\nto = "lib"\n')
    (problem,) = check_recipe(read_recipe(service), service, service.parent)
    assert problem.hint == "Did you mean core?"


def test_source_beside_the_service_is_allowed(service: Path) -> None:
    """Code that services share may lie beside them, in the campaign."""
    (service.parent / "kit").mkdir()
    assert problems_of(service, SMALLEST.replace('copy = "hamm"', 'copy = "../kit"')) == []


def test_link_in_a_source_is_a_problem(service: Path) -> None:
    """A symbolic link in a source folder is found before anything is baked."""
    (service / "hamm" / "passwd").symlink_to("/etc/passwd")
    assert problems_of(service, SMALLEST) == [("tree-symlink", 0)]


@pytest.mark.parametrize(
    "line",
    ["", "# words", "redis==8.1.0", "redis==8.1.0  # why", "uvicorn[standard] == 1.0 ; python_version > '3'",
     "redis==8.1.0 \\", "    --hash=sha256:" + "0" * 64],
)  # fmt: skip
def test_pinned_line_is_good(line: str) -> None:
    """A version of a distribution, its hashes, blank lines and comments may stand in requirements."""
    assert check_requirements(line, "requirements.txt") == []


@pytest.mark.parametrize(
    "line",
    [
        "redis",
        "redis>=8",
        "redis==8.*",
        "-r other.txt",
        "--find-links=/tmp",
        "git+https://example.org/x",
        "./wheel.whl",
    ],
)
def test_unpinned_line_is_a_problem(line: str) -> None:
    """Whatever leaves the choice to the day of the build is a problem at its line."""
    (problem,) = check_requirements(f"# first\n{line}\n", "requirements.txt")
    assert (problem.check, problem.where.line) == ("unpinned-requirement", 2)


def test_contract_survives_a_manifest() -> None:
    """A contract printed to plain JSON values is read back as it was."""
    assert parse_contract(print_contract(CONTRACT)) == CONTRACT


def test_broken_contract_is_refused() -> None:
    """Values that are no contract are refused, unknown ones included."""
    with pytest.raises(ValueError, match="not a valid image contract"):
        parse_contract({**print_contract(CONTRACT), "privileged": True})


def test_environment_says_who_and_what() -> None:
    """An instance is told its address, its name, its image and its templates, beside what its contract says."""
    image, templates = digest_bytes(b"image"), digest_bytes(b"templates")
    assignment = Assignment(
        instance="hamm-1",
        node="n1",
        service="hamm",
        generation=Generation(image=image, templates=templates),
        assigned_at=0.0,
        phase_at=0.0,
    )
    environment = instance_environment(CONTRACT, assignment, host="127.0.0.1", port=20001)
    assert environment == {
        "PYTHONPATH": "/app/lib:/app",
        "HOST": "127.0.0.1",
        "PORT": "20001",
        "HANDSHAKE_SERVICE": "hamm",
        "HANDSHAKE_INSTANCE": "hamm-1",
        "HANDSHAKE_IMAGE": image,
        "HANDSHAKE_TEMPLATES": "/templates",
        "HANDSHAKE_TEMPLATES_RELEASE": templates,
    }
