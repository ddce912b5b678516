"""`_redirects` and `_headers`, by the edge and by the matcher in Python: both must come to the same end."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from handshake.config.reader import parse_settings
from handshake.core.url_path import canonical_path
from handshake.edge.cache.compile.target import ReleaseRoute, SiteRoute, SiteShape
from handshake.edge.policy.policy import build_policy
from handshake.edge.policy.settings import EdgeSettings
from handshake.release.manifest import MOVES, RedirectRule, RulesDialect, SiteContract
from handshake.site.headers import find_headers, parse_headers
from handshake.site.redirects import Redirects, parse_redirects
from tests.live.edges import Edge, run_edge
from tests.live.faulty_regions import FaultyRegion

pytestmark = pytest.mark.live

RELEASE = "a" * 64
PARTS = ("a", "b", "old", "new.html", "caf\u00e9", "x~y", "1(2)", "it's", "d.e", "~")
WILD = (":x", ":year", "p-:x")
TARGETS = (
    *("/to", "/to/:splat", "/:x/:year", "/t?f=1", "/t#part", "https://example.org/:splat?k=:x", "/\u00e9/:x"),
    *("/to/:splat#p", "https://example.org"),
)
QUERIES = ("", "", "id=1", "id=2&x=a%20b", "x=&id=1&id=2", "utm_source=q", "a\\1b=c", "id=1?x=2")
SITES_PER_DIALECT = 12
RULES_PER_SITE = 20
ASKED = 30


@dataclass(frozen=True, kw_only=True)
class Case:
    """A site of random rules, and what is asked of it."""

    name: str
    contract: SiteContract
    asked: tuple[tuple[str, str], ...]

    @property
    def route(self) -> SiteRoute:
        """The site as the edge knows it."""
        nothing = SiteShape(has_bare=False, has_flat=False, has_folders=False, has_dotted=False)
        shown = ReleaseRoute(release=RELEASE, contract=self.contract, shape=nothing)
        return SiteRoute(name=self.name, mount=f"/{self.name}", live=shown)


def write_path(chance: random.Random, *, with_wild: bool) -> str:
    """Return a random path, or the path of a rule."""
    parts = chance.choices((*PARTS, *WILD) if with_wild else PARTS, k=chance.randint(1, 3))
    end = chance.choice(("", "/")) if not with_wild else chance.choice(("", "/", "/*"))
    return "/" + "/".join(parts) + end


def write_question(chance: random.Random, rules: tuple[RedirectRule, ...]) -> str:
    """Return a random path, mostly one that a rule could match."""
    if chance.random() < 0.4:
        return canonical_path(write_path(chance, with_wild=False))
    filled = re.sub(r":[a-z]+|\*", lambda _: chance.choice(PARTS), chance.choice(rules).pattern)
    return canonical_path(filled.rstrip("/") + chance.choice(("", "", "/"))) or "/"


def write_rules(chance: random.Random, dialect: RulesDialect) -> str:
    """Return a random file of rules."""
    lines = []
    for _ in range(RULES_PER_SITE):
        query = chance.choice(("", "", "", " id=:x", " id=1", " id=1 x=:year"))
        status = chance.choice(("", " 301", " 302!", " 307", " 308!"))
        if dialect is RulesDialect.CLOUDFLARE:
            query, status = "", status.removesuffix("!")
        lines.append(f"{write_path(chance, with_wild=True)}{query} {chance.choice(TARGETS)}{status}")
    return "\n".join(lines)


def write_headers(chance: random.Random) -> str:
    """Return a random file of headers."""
    blocks = []
    for _ in range(4):
        value = chance.choice(("one", 'say "hi"}', ":splat", ":x/:year", "back\\1slash"))
        name = chance.choice(("X-One", "X-Two"))
        blocks.append(f"{write_path(chance, with_wild=True)}\n  {name}: {value}")
    return "\n".join((*blocks, "/*", f"  {chance.choice(('X-One: all', 'X-Two: all', '! X-One'))}"))


def make_case(dialect: RulesDialect, seed: int) -> Case:
    """Return a site; lines that are refused are no rules, as in a site that is published."""
    chance = random.Random(f"{dialect}{seed}")
    placed, _ = parse_redirects(write_rules(chance, dialect), shown_as="_redirects", dialect=dialect)
    headers, _ = parse_headers(write_headers(chance), shown_as="_headers", dialect=dialect)
    contract = SiteContract(dialect=dialect, redirects=tuple(each.rule for each in placed), headers=headers)
    asked = tuple((write_question(chance, contract.redirects), chance.choice(QUERIES)) for _ in range(ASKED))
    return Case(name=f"{dialect.value[:1]}{seed}", contract=contract, asked=asked)


CASES = [make_case(dialect, seed) for dialect in RulesDialect for seed in range(SITES_PER_DIALECT)]
MANY = Case(
    name="many",
    contract=SiteContract(
        redirects=tuple(
            RedirectRule(
                pattern=f"/{'abc'[number % 3]}/{number}", target=f"/to/{number}", status=301, is_forced=True
            )
            for number in range(2000)
        )
    ),
    asked=tuple((f"/{'abc'[number % 3]}/{number}", "") for number in range(-2, 2003, 23)),
)


@pytest.fixture(scope="module")
def edge() -> Iterator[Edge]:
    """Run one edge with every case as a site."""
    policy = build_policy(parse_settings(EdgeSettings, "", shown_as="edge.toml"))
    sites = tuple(case.route for case in (*CASES, MANY))
    regions = FaultyRegion(), FaultyRegion()
    for region in regions:
        for case in (*CASES, MANY):
            region.publish(case.name, RELEASE, {"index.html": "home"}, case.contract)
    with run_edge(policy, sites, "", regions=regions) as running:
        yield running


@pytest.mark.parametrize("case", [*CASES, MANY], ids=lambda case: case.name)
def test_the_edge_follows_the_same_rule(edge: Edge, case: Case) -> None:
    """A request is sent where the matcher in Python says, with the status that it says, or nowhere."""
    redirects = Redirects(case.contract.redirects, case.contract.dialect)
    met = 0
    for path, query in case.asked:
        found = redirects.find(path, query)
        answer = edge.ask(f"/{case.name}{path}" + (f"?{query}" if query else ""))
        said = (answer.status, answer.headers.get("location"))
        if found is None:
            assert said == (404, None), (path, query)
            continue
        assert found.rule.status in MOVES
        mount = f"/{case.name}" if found.target.startswith("/") else ""
        assert said == (found.rule.status, mount + found.target), (path, query, found.rule)
        met += 1
    assert met


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_edge_adds_the_same_headers(edge: Edge, case: Case) -> None:
    """An answer carries what the matcher in Python says of its path."""
    redirects = Redirects(case.contract.redirects, case.contract.dialect)
    for path, query in case.asked:
        if redirects.find(path, query):
            continue
        expected = find_headers(case.contract.headers, path, case.contract.dialect)
        answer = edge.ask(f"/{case.name}{path}")
        assert {name: answer.headers.get(name) for name in ("x-one", "x-two")} == {
            name: expected.get(name) for name in ("x-one", "x-two")
        }, path
