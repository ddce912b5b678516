"""`_redirects`: what its lines mean, and what is said of those that mean nothing."""

import pytest

from handshake.release.manifest import RedirectRule, RulesDialect
from handshake.site.redirects import (
    PublishedPaths,
    Redirects,
    check_redirects,
    force_where_no_file,
    parse_redirects,
)

FILES = ("index.html", "about.html", "blog/index.html", "404.html", "app/index.html")


def parse(text: str, dialect: RulesDialect = RulesDialect.NETLIFY) -> tuple[RedirectRule, ...]:
    """Return the rules of a text that holds no fault."""
    placed, problems = parse_redirects(text, shown_as="_redirects", dialect=dialect)
    assert problems == []
    return tuple(each.rule for each in placed)


def checks_of(text: str, dialect: RulesDialect = RulesDialect.NETLIFY) -> list[tuple[str, int]]:
    """Return the checks that a text fails beside FILES, each with its line."""
    placed, problems = parse_redirects(text, shown_as="_redirects", dialect=dialect)
    found = [*problems, *check_redirects(placed, PublishedPaths(FILES, is_pretty=True), dialect)]
    return sorted((problem.check, problem.where.line) for problem in found)


def test_reads_netlify() -> None:
    """A line is a path, query parameters, a target and a status with its !; comments and empty lines say nothing."""
    rules = parse(
        "# moved\n\n/old /new\n/news/*   /blog/:splat 302! # for good\n/store id=:id /blog/:id 301\n"
        "/caf\u00e9 https://example.org/caf\u00e9\n/* /index.html 200\n"
    )
    assert rules == (
        RedirectRule(pattern="/old", target="/new", status=301, is_forced=False),
        RedirectRule(pattern="/news/*", target="/blog/:splat", status=302, is_forced=True),
        RedirectRule(
            pattern="/store", target="/blog/:id", status=301, is_forced=False, query=(("id", ":id"),)
        ),
        RedirectRule(
            pattern="/caf%C3%A9", target="https://example.org/caf%C3%A9", status=301, is_forced=False
        ),
        RedirectRule(pattern="/*", target="/index.html", status=200, is_forced=False),
    )


def test_reads_cloudflare() -> None:
    """Cloudflare's rules are 302 by default, go before files, and may hold their * anywhere."""
    rules = parse("/a/*/z /b/:splat\n/m/:title /x/:title 301\n", RulesDialect.CLOUDFLARE)
    assert rules == (
        RedirectRule(pattern="/a/*/z", target="/b/:splat", status=302, is_forced=True),
        RedirectRule(pattern="/m/:title", target="/x/:title", status=301, is_forced=True),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/old", [("redirect-syntax", 1)]),
        ("old /new", [("redirect-syntax", 1)]),
        ("/old new", [("redirect-syntax", 1)]),
        ("/%zz /new", [("redirect-syntax", 1)]),
        ("/a/*/b /new", [("redirect-syntax", 1)]),
        ("/a /b/:splat", [("redirect-syntax", 1)]),
        ("/a/:x/:x /b", [("redirect-syntax", 1)]),
        ("/a id=:x id=:y /b", [("redirect-syntax", 1)]),
        ("/old javascript:alert(1)", [("redirect-syntax", 1)]),
        ("\n/old /new 418", [("redirect-unsupported", 2)]),
        ("/old /new 301 Country=de", [("redirect-unsupported", 1)]),
        ("/old /new Country=de", [("redirect-unsupported", 1)]),
        ("https://other.org/* /x/:splat", [("redirect-unsupported", 1)]),
        ("/api/* https://api.org/:splat 200", [("redirect-unsupported", 1)]),
        ("/a/* /b\n/a/c /d", [("redirect-shadowed", 2)]),
        ("/a /b\n/a/ /c", [("redirect-shadowed", 2)]),
        ("/a/:x /b\n/a/:y /c", [("redirect-shadowed", 2)]),
        ("/a x=1 /b\n/a /c", []),
        ("/a/:x /b\n/a/* /c", []),
        ("/about /new", [("redirect-unmatched", 1)]),
        ("/about /new 301!", []),
        ("/gone /nowhere.html 200", [("redirect-no-file", 1)]),
        ("/gone /404.html 404", []),
        ("/a /b\n/b /c\n/c /a", [("redirect-loop", 1), ("redirect-loop", 2), ("redirect-loop", 3)]),
        ("/a/* /a/x/:splat", [("redirect-loop", 1)]),
        ("/a /a?x=1", [("redirect-loop", 1)]),
        ("/* /about 302", []),
        ("/* /app/ 200", []),
    ],
)
def test_tells_every_problem_with_its_line(text: str, expected: list[tuple[str, int]]) -> None:
    """What cannot be kept as it is written, or could never apply, is told with its line."""
    assert checks_of(text) == expected


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("/a /b 301!", "redirect-unsupported"),
        ("/a /b 404", "redirect-unsupported"),
        ("/a x=1 /b", "redirect-unsupported"),
        ("/a/*/b/* /c", "redirect-syntax"),
    ],
)
def test_cloudflare_knows_less(text: str, check: str) -> None:
    """What only Netlify knows is unsupported in Cloudflare's dialect."""
    assert checks_of(text, RulesDialect.CLOUDFLARE) == [(check, 1)]


RULES = """
/old /new
/news/:year/* /blog/:year/:splat 301
/store id=:id page=2 /shop/:id
/q/* /target/:splat?fixed=1#part
/hash /new#part
"""


@pytest.mark.parametrize(
    ("path", "query", "target"),
    [
        ("/old", "", "/new"),
        ("/old/", "a=b", "/new?a=b"),
        ("/older", "", None),
        ("/news/2016/x/y", "", "/blog/2016/x/y"),
        ("/news/2016", "", "/blog/2016/"),
        ("/news", "", None),
        ("/store", "id=7&page=2&utm_source=x", "/shop/7"),
        ("/store", "id=7&page=3", None),
        ("/q/a", "x=1", "/target/a?fixed=1#part"),
        ("/hash", "x=1", "/new?x=1#part"),
    ],
)
def test_finds_where_a_rule_leads(path: str, query: str, target: str | None) -> None:
    """Placeholders are filled in; the query goes along where the target has none and the rule reads none."""
    found = Redirects(parse(RULES), RulesDialect.NETLIFY).find(path, query)
    assert (found.target if found else None) == target


def test_a_slash_counts_in_cloudflares_dialect() -> None:
    """There `/a` and `/a/` are two paths."""
    redirects = Redirects(parse("/a/ /a 301\n/b/* /c", RulesDialect.CLOUDFLARE), RulesDialect.CLOUDFLARE)
    assert redirects.find("/a") is None
    assert redirects.find("/b") is None
    assert (redirects.find("/a/"), redirects.find("/b/")) != (None, None)


def test_a_rule_of_one_path_is_forced_where_no_file_stands() -> None:
    """The edge need not look for a file that the release does not hold."""
    paths = PublishedPaths(FILES, is_pretty=True)
    rules = [force_where_no_file(rule, paths) for rule in parse("/old /new\n/about /x\n/x/* /y")]
    assert [rule.is_forced for rule in rules] == [True, False, False]
