"""Drills run in any campaign: they know none of the example's names."""

import ast
import re
from collections.abc import Iterator

from handshake.campaign.policy import read_policy
from handshake.image.recipe import read_recipe
from tests.meta.sources import REPOSITORY, SOURCES

CAMPAIGN = REPOSITORY / "examples" / "campaign"
_OF_THE_PLATFORM = {"campaign"}
"""Names of the example that are words of the platform's own."""


def test_drills_know_no_name_of_the_example() -> None:
    """No text in a drill's code names a page, path, service, site, store, list, switch or rule of the example."""
    names, paths = set(_names()) - _OF_THE_PLATFORM, set(_paths()) - {"/"}
    assert {"hamm", "wall", "non_us_ban", "calls"} <= names
    assert {"/calls", "/donate", "/api/hamm", "/api/hamm/donations"} <= paths
    words = "|".join(map(re.escape, sorted(names)))
    known = re.compile(rf"(?<![\w-])({words})(?![\w-])|({'|'.join(map(re.escape, sorted(paths)))})(?![\w-])")
    files = [*(SOURCES / "drills").rglob("*.py"), SOURCES / "cli" / "drill.py"]
    assert {"tour.py", "tour_plan.py", "load.py", "drill.py"} <= {file.name for file in files}

    found = [
        f"{file.name}: {text!r}"
        for file in files
        for text in _texts(ast.parse(file.read_text(encoding="utf-8")))
        if known.search(text)
    ]
    assert not found


def _names() -> Iterator[str]:
    """Yield what the example's files name."""
    policy = read_policy(CAMPAIGN)
    campaign, edge = policy.campaign, policy.edge
    yield campaign.name
    for named in (campaign.services, campaign.sites, campaign.templates, campaign.stores):
        yield from named
    for declared in (edge.switches, edge.lists, edge.text_lists, edge.rules):
        yield from (each.name for each in declared)


def _paths() -> Iterator[str]:
    """Yield where visitors find something in the example."""
    policy = read_policy(CAMPAIGN)
    yield from policy.campaign.mounts
    yield from policy.campaign.fallback_copy.pages
    yield from (route.path for route in policy.gateway.policy.route)
    for service in policy.campaign.services.values():
        recipe = read_recipe(CAMPAIGN / service.source).model
        yield from recipe.reads
        for post in recipe.idempotent:
            yield from (post.path, post.count_path)


def _texts(tree: ast.AST) -> Iterator[str]:
    """Yield the texts that code uses: constants, but for those that stand alone, as docstrings do."""
    prose = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in prose:
            yield node.value
