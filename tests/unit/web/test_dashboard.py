"""The dashboard's application, asked as a browser and as a program asks it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Never

import pytest
from httpx import Response

from handshake.campaign.status import StatusReport
from handshake.catalog.codec import decode, encode
from handshake.catalog.journal import JournalRecord
from handshake.core.digest import short
from handshake.core.errors import ConflictError, OutcomeUnknownError, RefusedError, UnavailableError
from handshake.fleet.instance import Evidence, VerdictState
from handshake.web.app import build_app
from tests.unit.web.reports import (
    NOW,
    build_fleet,
    build_instance,
    build_record,
    build_report,
    build_subject,
    refuses,
    serves,
    waits,
)
from tests.unit.web.visitor import Visitor

MARKUP = "<script>alert('3 am')</script>"
ESCAPED = "&lt;script&gt;alert(&#39;3 am&#39;)&lt;/script&gt;"


def open_dashboard(report: StatusReport | None = None, journal: tuple[JournalRecord, ...] = ()) -> Visitor:
    shown = report or build_report()
    return Visitor(app=build_app(read_status=lambda: shown, read_journal=lambda: journal))


def open_blind_dashboard(error: Exception) -> Visitor:
    def fail() -> Never:
        raise error

    return Visitor(app=build_app(read_status=fail, read_journal=fail), sees_defects=True)


def read_page(report: StatusReport | None = None, journal: tuple[JournalRecord, ...] = ()) -> str:
    """Return the page with every run of white space as one space."""
    answer = open_dashboard(report, journal).get("/")
    assert answer.status_code == 200
    return " ".join(answer.text.split())


def read_text(page: str) -> str:
    """Return what a reader sees of a page, without markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


class TestPage:
    def test_settled(self) -> None:
        """A settled campaign is told in the title, in the sentence and in its cells, each with mark and word."""
        page = read_page()
        assert "<title>All settled · example</title>" in page
        assert "✓ All settled" in read_text(page)
        assert "✓ serves r5" in read_text(page)

    def test_subject(self) -> None:
        """A subject shows its release in 12 digits, its revision, who moved it, why and how long ago."""
        row = build_subject()
        text = read_text(read_page(build_report(row)))
        assert f"{short(row.release)} r5" in text
        assert row.release not in text
        assert "anna 3 min ago new phone script" in text

    def test_waiting(self) -> None:
        """A place that waits says what it serves meanwhile, or that it has said nothing."""
        row = build_subject("site/calls", waits("cache@n1", 4), waits("cache@n2", 0))
        text = read_text(read_page(build_report(row)))
        assert "… waits serves r4" in text
        assert "… waits nothing yet" in text

    def test_refused(self) -> None:
        """A refusal shows its reason in the open, and what the place serves."""
        row = build_subject(
            "site/calls", refuses("cache@n1", "VCL line 7", 4), refuses("cache@n2", "full", 0)
        )
        text = read_text(read_page(build_report(row)))
        assert "✕ refuses VCL line 7 serves r4" in text
        assert "✕ refuses full serves nothing yet" in text

    def test_not_settled(self) -> None:
        """A pointer that has not settled says so in words beside its revision."""
        assert "r5 not settled" in read_text(
            read_page(build_report(build_subject("site/a", is_stable=False)))
        )

    def test_not_concerned(self) -> None:
        """A place that a subject does not concern is told apart from one that waits."""
        rows = build_subject("site/a", serves("cache@n1")), build_subject("image/b", serves("node@n1"))
        assert read_text(read_page(build_report(*rows))).count("not concerned") == 2

    def test_fleet(self) -> None:
        """A fleet shows its stage and the sentence about it."""
        text = read_text(read_page(build_report(fleets=(build_fleet("trial"),))))
        assert "hamm … trial what trial means here" in text

    def test_progress(self) -> None:
        """A fleet says how many of those that have visitors are fresh, and since when its stage is what it is."""
        stale, warm = (
            build_instance(fresh=VerdictState.NO),
            build_instance(phase="warm", fresh=VerdictState.NO),
        )
        fleet = replace(build_fleet("replacing", build_instance(), stale, warm), since=NOW - 60)
        text = read_text(read_page(build_report(fleets=(fleet,))))
        assert "1 of 2 fresh, replacing since 1 min ago" in text
        assert "hamm-" in text
        assert text.count(" warm ") == 1

    def test_verdicts(self) -> None:
        """A tile answers the three questions in words: yes, no and unknown."""
        instance = build_instance(ready=VerdictState.NO, fresh=VerdictState.UNKNOWN)
        text = read_text(read_page(build_report(fleets=(build_fleet("settled", instance),))))
        assert "✓ alive ✕ not ready ? fresh unknown" in text

    def test_stale_is_no_alarm(self) -> None:
        """An instance that is not fresh keeps its traffic, so it does not look like one that is dead."""
        instance = build_instance(fresh=VerdictState.NO)
        page = read_page(build_report(fleets=(build_fleet("replacing", instance),)))
        assert '<li class="moving"><span class="mark" aria-hidden="true">✕</span> not fresh</li>' in page
        assert '<li class="refused">' not in page

    def test_draining(self) -> None:
        """An instance on its way out says so; one that runs says nothing."""
        staying, leaving = build_instance(), build_instance("hamm-bbbbbbbb", phase="drain")
        text = read_text(read_page(build_report(fleets=(build_fleet("replacing", staying, leaving),))))
        assert text.count("draining") == 1

    def test_probe(self) -> None:
        """A tile holds the last probe: status, time taken, age and body."""
        assert "200 in 4 ms, 2 s ago {&#34;status&#34;: &#34;ok&#34;}" in read_text(read_page())

    def test_probe_without_answer(self) -> None:
        """A probe that nobody answered shows no status of 0."""
        probe = Evidence(status=0, body="connection refused", latency_seconds=0.001, at=1.0)
        instance = build_instance(last_probe=probe, alive=VerdictState.NO, log_tail=("first", "last words"))
        text = read_text(read_page(build_report(fleets=(build_fleet("settled", instance),))))
        assert "no answer in 1 ms" in text
        assert "first last words" in text

    def test_silent_instance(self) -> None:
        """An instance that no agent has reported yet has neither address nor probe."""
        instance = build_instance(address="", last_probe=Evidence())
        text = read_text(read_page(build_report(fleets=(build_fleet("trial", instance),))))
        assert "address none yet last probe none yet" in text

    def test_fleet_without_instances(self) -> None:
        """A fleet in which nothing is assigned says that, too."""
        fleet = replace(build_fleet(), instances=())
        assert "No instance yet." in read_text(read_page(build_report(fleets=(fleet,))))

    def test_notes(self) -> None:
        """Whatever an operator should know stands on the page."""
        assert "hamm's base is the host" not in read_page()
        assert "hamm&#39;s base is the host" in read_page(build_report(notes=("hamm's base is the host",)))

    def test_journal(self) -> None:
        """The journal's newest 20 lines are shown, newest first."""
        text = read_text(read_page(journal=tuple(map(build_record, range(25)))))
        assert re.findall(r"deed number (\d+)", text) == [str(number) for number in range(20)]

    def test_empty(self) -> None:
        """A campaign that has just begun has a page."""
        text = read_text(read_page(build_report(subjects=(), fleets=(), leader="")))
        assert "Nothing is live yet" in text
        assert "Nobody has done anything yet." in text
        assert "nobody leads" in text


class TestEscaping:
    @pytest.mark.parametrize(
        "report",
        [
            build_report(replace(build_subject(), reason=MARKUP)),
            build_report(replace(build_subject(), moved_by=MARKUP)),
            build_report(build_subject("site/a", refuses("cache@n1", MARKUP))),
            build_report(build_subject("site/a", replace(serves("cache@n1"), said=MARKUP))),
            build_report(build_subject("site/a", waits(f'"{MARKUP}'))),
            build_report(fleets=(replace(build_fleet(), sentence=MARKUP),)),
            build_report(
                fleets=(build_fleet("trial", build_instance(last_probe=Evidence(body=MARKUP, at=1))),)
            ),
            build_report(fleets=(build_fleet("trial", build_instance(log_tail=(MARKUP, "b"))),)),
            build_report(notes=(MARKUP,)),
            build_report(campaign=MARKUP),
        ],
    )
    def test_report(self, report: StatusReport) -> None:
        """Markup in any word of a report is shown as text."""
        page = read_page(report)
        assert ESCAPED in page
        assert "<script>" not in page

    def test_journal(self) -> None:
        """Markup in the journal is shown as text, in attributes too."""
        page = read_page(journal=(replace(build_record(), what=f'"{MARKUP}'),))
        assert page.count(f"&#34;{ESCAPED}") == 2
        assert "<script>" not in page

    def test_failure(self) -> None:
        """Markup in a third party's error is shown as text."""
        page = open_blind_dashboard(UnavailableError(MARKUP, hint=MARKUP, details=MARKUP)).get("/").text
        assert page.count(ESCAPED) == 4
        assert "<script>" not in page


class TestApi:
    def test_status(self) -> None:
        """The API gives exactly the bytes of the report that `--json` prints."""
        report = build_report(build_subject("site/a", refuses("cache@n1", MARKUP)))
        answer = open_dashboard(report).get("/api/status")
        assert answer.content == encode(report)
        assert answer.headers["Content-Type"] == "application/json"
        assert decode(StatusReport, answer.content) == report

    def test_journal(self) -> None:
        """The journal comes whole, newest first, each record as the catalogue holds it."""
        journal = tuple(map(build_record, range(25)))
        answer = open_dashboard(journal=journal).get("/api/journal")
        assert decode(tuple[JournalRecord, ...], answer.content) == journal
        assert answer.content == b"[" + b",".join(map(encode, journal)) + b"]"

    def test_health(self) -> None:
        """The dashboard is well even when the catalogue is not."""
        answer = open_blind_dashboard(UnavailableError("the catalogue does not answer")).get("/health")
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


class TestBlind:
    @pytest.mark.parametrize("kind", [UnavailableError, ConflictError, RefusedError, OutcomeUnknownError])
    def test_page(self, kind: Callable[..., Exception]) -> None:
        """A report that cannot be read is 503 and a page: what is wrong, that all serves on, what to do."""
        error = kind("the catalogue does not answer", hint="look at its log", details="ECONNREFUSED")
        answer = open_blind_dashboard(error).get("/")
        assert answer.status_code == 503
        text = read_text(answer.text)
        for words in (
            "The catalogue does not answer",
            "Everything keeps serving",
            "Look at its log",
            "ECONNREFUSED",
            "handshake up",
        ):
            assert words in text
        assert "Traceback" not in text

    @pytest.mark.parametrize("path", ["/api/status", "/api/journal"])
    def test_api(self, path: str) -> None:
        """Programs get 503 and the error as every verb prints it."""
        answer = open_blind_dashboard(UnavailableError("no answer", hint="wait", details="d")).get(path)
        assert answer.status_code == 503
        said = {"kind": "unavailable", "what": "no answer", "hint": "wait", "details": "d"}
        assert answer.json() == {"error": said}

    def test_defect(self) -> None:
        """An error that nobody expected is a calm page without a traceback, and as closed as the others."""
        answer = open_blind_dashboard(ValueError("a secret thing")).get("/")
        assert answer.status_code == 500
        assert "Everything keeps serving" in answer.text
        assert "a secret thing" not in answer.text
        assert_closed(answer)


class TestBorders:
    @pytest.mark.parametrize("path", ["/", "/api/status", "/static/dashboard.js", "/nowhere"])
    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    def test_read_only(self, method: str, path: str) -> None:
        """Every method that could ask for a change is refused, everywhere."""
        answer = open_dashboard().request(method, path)
        assert answer.status_code == 405
        assert answer.headers["Allow"] == "GET, HEAD"
        assert_closed(answer)

    @pytest.mark.parametrize("path", ["/", "/api/status", "/health", "/static/dashboard.css", "/nowhere"])
    def test_closed(self, path: str) -> None:
        """Every answer forbids the browser to fetch or run anything from elsewhere, and to keep it."""
        assert_closed(open_dashboard().get(path))

    @pytest.mark.parametrize(
        ("path", "kind"), [("dashboard.css", "text/css"), ("dashboard.js", "text/javascript")]
    )
    def test_static(self, path: str, kind: str) -> None:
        """The page's style and script come from the package."""
        answer = open_dashboard().get(f"/static/{path}")
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, f"{kind}; charset=utf-8")

    @pytest.mark.parametrize("path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/"])
    def test_nothing_else_is_served(self, path: str) -> None:
        """Nothing but the files of that folder is served."""
        assert open_dashboard().get(path).status_code == 404

    def test_only_own_addresses(self) -> None:
        """The page names no address but its own, and nothing in it needs the policy to be weaker."""
        page = open_dashboard().get("/").text
        addresses = re.findall(r'(?:src|href)="([^"]*)"', page)
        assert [address.partition(",")[0] for address in addresses] == [
            "data:image/svg+xml",
            "/static/dashboard.css",
            "/static/dashboard.js",
        ]
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=", page)

    def test_unknown_path(self) -> None:
        """An unknown path says where the page is."""
        answer = open_dashboard().get("/nowhere")
        assert answer.status_code == 404
        assert "The only page is /" in answer.text


def assert_closed(answer: Response) -> None:
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert policy[:2] == ["default-src 'self'", "img-src 'self' data:"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
