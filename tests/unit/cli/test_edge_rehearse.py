"""The simulator's verbs, on the example campaign, with no campaign up."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result

from handshake.campaign.checks import check_folder
from handshake.cli.main import main
from tests.unit.edge.test_replay import line

CAMPAIGN = Path(__file__).parents[3] / "examples" / "campaign"


@pytest.fixture(autouse=True)
def nothing_is_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No campaign is up for the verbs of a test."""
    monkeypatch.setenv("HANDSHAKE_HOME", str(tmp_path / "home"))


def run(*words: str, stdin: bytes | None = None) -> Result:
    """Return what a verb of `handshake edge` says."""
    return CliRunner().invoke(main, ["edge", *words], input=stdin)


def explain(*words: str) -> dict[str, Any]:
    """Return the explanation of a request to the example campaign."""
    found = run("explain", *words, "--policy", str(CAMPAIGN), "--json")
    assert found.exit_code == 0, found.output
    report: dict[str, Any] = json.loads(found.stdout)
    return report


class TestExplain:
    def test_people_read_the_rule_and_the_answer(self) -> None:
        """The rule, its place and its answer are printed."""
        words = ("GET", "/calls/", "--policy", str(CAMPAIGN), "--switch", "non_us_ban=on", "--country", "DE")
        said = run("explain", *words).stdout
        assert "switch non_us_ban is on" in said
        assert "non-us-ban" in said
        assert "403" in said

    def test_programs_read_json(self) -> None:
        """A request that no rule answers goes on to its site."""
        report = explain("GET", "/calls/?a=b", "--ip", "203.0.113.7")
        assert report["way"]["name"] == "calls"
        assert report["explanation"]["goes_on"]["query"] == "a=b"
        assert report["explanation"]["request"]["country"] == "unknown"
        assert report["source"] == "the policy's defaults"

    def test_a_list_may_be_wished_for(self) -> None:
        """`--list` puts the client on a list, and who is protected is not listed all the same."""
        words = ("POST", "/api/hamm/donations", "--list", "wall")
        assert explain(*words)["explanation"]["ending"] == "the-wall"
        assert explain(*words, "--ip", "127.0.0.1")["explanation"]["ending"] == ""

    def test_cookies_and_headers_reach_the_rules(self) -> None:
        """Headers are given as the client sends them; cookies become one header."""
        words = ("--header", "User-Agent: WordPress/4.6", "--cookie", "a=1", "--cookie", "b=2")
        explanation = explain("GET", "/", *words)["explanation"]
        assert explanation["ending"] == "wordpress-pingbacks"
        assert explanation["request"]["headers"]["cookie"] == "a=1; b=2"

    @pytest.mark.parametrize(
        ("words", "check"),
        [
            (("--rule", "the-wal"), "unknown-rule"),
            (("--switch", "non_us=on"), "unknown-switch"),
            (("--switch", "non_us_ban=perhaps"), "bad-value"),
            (("--list", "walls"), "unknown-list"),
            (("--exceeded", "nothing"), "unknown-rule"),
        ],
    )
    def test_unknown_names_are_refused(self, words: tuple[str, ...], check: str) -> None:
        """What the policy does not know is a problem with the nearest name as a hint."""
        found = run("explain", "GET", "/", "--policy", str(CAMPAIGN), *words, "--json")
        assert found.exit_code == 2
        assert [problem["check"] for problem in json.loads(found.stdout)["problems"]] == [check]

    def test_the_shell_completes_rules(self) -> None:
        """Rule names of the folder's policy are offered."""
        completing = ShellComplete(main, {}, "handshake", "_HANDSHAKE_COMPLETE")
        words = ["edge", "explain", "GET", "/", "--policy", str(CAMPAIGN), "--rule"]
        assert [found.value for found in completing.get_completions(words, "the")] == ["the-wall"]


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A copy of the example campaign whose wall answers something else than promised."""
    folder = tmp_path / "campaign"
    shutil.copytree(CAMPAIGN, folder, ignore=shutil.ignore_patterns("dist", "node_modules"))
    edge = folder / "edge.toml"
    edge.write_text(edge.read_text().replace('body = "Bad Taco.\\n"', 'body = "Go away."'))
    return folder


class TestCases:
    def test_the_example_keeps_its_promises(self) -> None:
        """Every case of the example campaign passes."""
        found = run("test", str(CAMPAIGN))
        assert found.exit_code == 0
        assert "passed" in found.stdout

    def test_a_failing_case_explains_itself(self, broken: Path) -> None:
        """A case that fails says where it stands, what was expected, what was found, and which rule did it."""
        found = run("test", str(broken))
        assert found.exit_code == 1
        assert "expected Bad Taco." in found.stdout
        assert "found    Go away." in found.stdout
        assert "edge_tests.toml:" in found.stdout
        assert "the-wall" in found.stdout

    def test_programs_read_json(self, broken: Path) -> None:
        """Every case is in the report, those that fail with what was found."""
        report = json.loads(run("test", str(broken), "--json").stdout)
        assert report["failed"] == 1
        assert report["passed"] == len(report["trials"]) - 1
        assert [its["mismatches"][0]["key"] for its in report["trials"] if its["mismatches"]] == ["body"]

    def test_check_tries_the_cases(self, broken: Path) -> None:
        """`check` finds nothing wrong with the example, and a failing case in the other."""
        assert "edge-case-fails" not in {problem.check for problem in check_folder(CAMPAIGN)}
        found = [problem for problem in check_folder(broken) if problem.check == "edge-case-fails"]
        assert len(found) == 1
        assert found[0].where.file == "edge_tests.toml"
        assert "the-wall (edge.toml:" in found[0].hint

    def test_without_cases_check_is_silent_and_test_is_not(self, broken: Path) -> None:
        """A policy needs no cases; who asks for them is told that there are none."""
        (broken / "edge_tests.toml").unlink()
        assert "edge-case-fails" not in {problem.check for problem in check_folder(broken)}
        found = run("test", str(broken), "--json")
        assert [problem["check"] for problem in json.loads(found.stdout)["problems"]] == ["missing-file"]


WALLED = line("the-wall", client="203.0.113.7", status=403)
LINES = (
    line(path="/calls/"),
    line("wordpress-pingbacks", user_agent="WordPress/4.6", status=403),
    line(client="203.0.113.9", method="POST", path="/api/hamm/donations", status=201),
    line(client="203.0.113.9", user_agent="Mozilla"),
)
CUT_SHORT = gzip.compress(b"x" * 999, mtime=0)[:-9]


@pytest.fixture
def stricter(broken: Path) -> Path:
    """A copy of the example campaign that refuses a browser too."""
    edge = broken / "edge.toml"
    edge.write_text(edge.read_text().replace('matches("^WordPress")', 'matches("^(WordPress|Mozilla)")'))
    return broken


class TestReplay:
    @pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "gzip"])
    def test_a_file(self, stricter: Path, tmp_path: Path, *, is_packed: bool) -> None:
        """A log is read as it is, plain or packed; changes, donors and samples are in the report."""
        log = tmp_path / "ingress.log"
        content = b"".join(LINES)
        log.write_bytes(gzip.compress(content) if is_packed else content)
        found = run("replay", str(log), "--policy", str(stricter), "--against", str(CAMPAIGN), "--json")
        assert found.exit_code == 0, found.output
        report = json.loads(found.stdout)
        assert (report["requests"], report["same"], report["changed"]) == (4, 3, 1)
        assert report["donors"] == ["203.0.113.9"]
        change = report["changes"][0]
        assert (change["before"], change["after"]) == (
            "forwarded, headers by safe-pages",
            "403 by wordpress-pingbacks",
        )
        assert change["samples"][0]["client"] == "203.0.113.9"

    def test_standard_input_as_people_read_it(self, stricter: Path) -> None:
        """With `-` lines come from standard input; what the log says otherwise than the policy is told."""
        words = ("replay", "-", "--policy", str(stricter), "--against", str(CAMPAIGN))
        said = run(*words, stdin=b"".join((*LINES, WALLED))).stdout
        assert "5 requests" in said
        assert "1 changed" in said
        assert "1 donors" in said
        assert "1 had another outcome at the time" in said

    def test_since(self, stricter: Path) -> None:
        """Records before `--since` are not looked at."""
        words = ("replay", "-", "--policy", str(stricter), "--against", str(CAMPAIGN), "--since", "1h")
        assert "the log contains no requests" in run(*words, stdin=b"".join(LINES)).stdout

    @pytest.mark.parametrize("content", [None, CUT_SHORT], ids=["absent", "cut-short"])
    def test_a_log_that_cannot_be_read(self, tmp_path: Path, content: bytes | None) -> None:
        """A file that is absent, or packed and cut short, is a problem with its name."""
        log = tmp_path / "ingress.log"
        if content is not None:
            log.write_bytes(content)
        words = ("replay", str(log), "--policy", str(CAMPAIGN), "--against", str(CAMPAIGN), "--json")
        found = run(*words)
        assert found.exit_code == 2
        assert [problem["check"] for problem in json.loads(found.stdout)["problems"]] == ["unreadable-file"]

    def test_without_a_campaign_a_log_must_be_named(self) -> None:
        """Where no campaign is up there is no log to fall back on."""
        found = run("replay", "--policy", str(CAMPAIGN), "--against", str(CAMPAIGN), "--json")
        assert [problem["check"] for problem in json.loads(found.stdout)["problems"]] == ["which-campaign"]
