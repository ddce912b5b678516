"""site.toml: what it may say."""

from pathlib import Path

import pytest

from handshake.config.reader import parse_settings, read_settings
from handshake.core.problem import ProblemsError
from handshake.site.settings import SiteSettings, check_site

CAMPAIGN = Path(__file__).parents[3] / "examples/campaign/sites"


def checks_of(text: str) -> list[tuple[str, int]]:
    """Return the checks that a text fails, each with its line."""
    loaded = parse_settings(SiteSettings, text, shown_as="site.toml")
    return [(problem.check, problem.where.line) for problem in check_site(loaded)]


def test_reads_the_settings() -> None:
    """A file's words become typed settings; build and assets may be left out."""
    text = 'build = ["npm", "run", "build"]\noutput = "dist"\nassets = ["assets/", "fonts/"]\n'
    model = parse_settings(SiteSettings, text, shown_as="site.toml").model
    assert model == SiteSettings(build=("npm", "run", "build"), output="dist", assets=("assets/", "fonts/"))
    assert checks_of(text) == []
    assert parse_settings(SiteSettings, 'output = "."', shown_as="site.toml").model.build == ()


@pytest.mark.parametrize("file", sorted(CAMPAIGN.glob("*/site.toml")), ids=lambda file: file.parent.name)
def test_the_campaign_is_right(file: Path) -> None:
    """Every site of the example passes its checks."""
    assert check_site(read_settings(SiteSettings, file)) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('output = "/srv/dist"', [("site-output-path", 1)]),
        ('output = "../dist"', [("site-output-path", 1)]),
        ('output = "a//b"', [("site-output-path", 1)]),
        ('output = "a\\u0007b"', [("site-output-path", 1)]),
        ('output = "dist"\nbuild = [""]', [("site-build-empty", 2)]),
        ('output = "dist"\nassets = ["assets"]', [("site-asset-prefix", 2)]),
        ('output = "dist"\nassets = ["/"]', [("site-asset-prefix", 2)]),
        ('output = "dist"\nassets = [\n"a/",\n"../b/"]', [("site-asset-prefix", 4)]),
        ('output = "dist"\nassets = ["a/", "a/b/"]', [("site-asset-overlap", 2)]),
        ('output = "dist"\nassets = ["a/", "a/"]', [("site-asset-overlap", 2)]),
        (
            'build = [" "]\noutput = ".."\nassets = ["x"]',
            [("site-build-empty", 1), ("site-output-path", 2), ("site-asset-prefix", 3)],
        ),
    ],
)
def test_tells_every_problem_with_its_line(text: str, expected: list[tuple[str, int]]) -> None:
    """What the types let through is told all at once, each with its line."""
    assert checks_of(text) == expected


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ('output = "dist"\nasets = []', "unknown-key"),
        ("build = []", "missing-key"),
        ('output = "dist"\nbuild = "make"', "wrong-type"),
        ('output = ""', "bad-value"),
    ],
)
def test_refuses_what_is_no_setting(text: str, check: str) -> None:
    """Unknown, missing and mistyped keys are refused."""
    with pytest.raises(ProblemsError) as refused:
        parse_settings(SiteSettings, text, shown_as="site.toml")
    assert [problem.check for problem in refused.value.problems] == [check]
