"""The Secretary as a process, on a real Redis: what visitors and probes are answered."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import urllib3
from redis import Redis

from handshake.drivers.redis.store import seed_content
from tests.live.example_instance import Instance, Ledger, run_ledger
from tests.live.haproxies import wait_until
from tests.live.secretary_instance import CONTENT, RELEASE, TEMPLATES, run_secretary, start_secretary
from tests.support.campaign import free_port

pytestmark = pytest.mark.live

PAGES = ["/", "/donate", "/philadelphia", "/about"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Ledger]:
    """A Redis filled with the example's content."""
    with run_ledger(tmp_path / "store") as running:
        seed_content(running.url, CONTENT)
        yield running


@pytest.fixture
def secretary(tmp_path: Path, store: Ledger) -> Iterator[Instance]:
    with run_secretary(tmp_path / "secretary", store.url) as running:
        yield running


def write_page(store: Ledger, key: str, fields: object) -> None:
    with closing(Redis.from_url(store.url)) as redis:
        redis.set(key, json.dumps(fields))


def read_page(store: Ledger, key: str) -> dict[str, object]:
    with closing(Redis.from_url(store.url, decode_responses=True)) as redis:
        text: Any = redis.get(key)
    fields: dict[str, object] = json.loads(text)
    return fields


def read_log(secretary: Instance) -> list[dict[str, object]]:
    """Return the lines of the log that are whole."""
    *whole, _ = secretary.log.read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in whole]


def find_logged(secretary: Instance, request_id: str) -> list[dict[str, object]]:
    """Return what the log says of a request; its line comes a moment after the answer."""
    return [line for line in read_log(secretary) if line.get("request_id") == request_id]


def copy_release(folder: Path, name: str, text: str) -> Path:
    """Copy the example's template release with one file changed."""
    copytree(TEMPLATES, folder)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def becomes_live(secretary: Instance) -> bool:
    """Ask, without a pause of our own, until the page is live: the store is asked again every second."""
    return any("X-HS-Content" not in secretary.get("/").headers for _ in range(20_000))


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_served_for_caches(secretary: Instance, path: str) -> None:
    """Every page of the example is cacheable HTML without cookies, and asks nobody else for anything."""
    answer = secretary.get(path)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"].startswith("public, max-age=")
    assert "Set-Cookie" not in answer.headers
    assert "X-HS-Content" not in answer.headers
    assert b"https://" not in answer.data
    assert b'src="' not in answer.data


def test_an_unchanged_page_is_not_sent_again(secretary: Instance) -> None:
    """A cache that has the page is answered 304, also when it weakened the tag."""
    tag = secretary.get("/").headers["ETag"]
    for known in (tag, f'"other", W/{tag}'):
        answer = secretary.get("/", **{"If-None-Match": known})
        assert (answer.status, answer.data, answer.headers["ETag"]) == (304, b"", tag)


def test_head_answers_like_get(secretary: Instance) -> None:
    """HEAD gives the page's headers and no page."""
    get, head = secretary.get("/"), secretary.pool.request("HEAD", "/")
    assert (head.status, head.data) == (200, b"")
    assert head.headers["Content-Length"] == str(len(get.data))
    assert head.headers["ETag"] == get.headers["ETag"]


def test_an_unknown_path_gets_the_error_page(secretary: Instance) -> None:
    """A path without a page is answered 404 with the release's own words."""
    answer = secretary.get("/no/such/page")
    assert answer.status == 404
    assert b"This page is not on the ballot." in answer.data


def test_a_page_cannot_be_posted_to(secretary: Instance) -> None:
    """Pages are for reading: another method is answered 405 with the error page."""
    answer = secretary.pool.request("POST", "/donate")
    assert (answer.status, answer.headers["Content-Type"]) == (405, "text/html; charset=utf-8")


def test_content_is_live(secretary: Instance, store: Ledger) -> None:
    """A changed document is on the page at once, escaped, with another tag."""
    before = secretary.get("/about")
    write_page(store, "page:about", {**read_page(store, "page:about"), "headline": "Now <b>new</b>"})
    after = secretary.get("/about")
    assert b"Now &lt;b&gt;new&lt;/b&gt;" in after.data
    assert after.headers["ETag"] != before.headers["ETag"]


def test_health_tells_what_is_loaded(secretary: Instance) -> None:
    """Health is 200 when pages render, and the release is compared by equality."""
    assert secretary.get("/health").json() == {"status": "ok", "templateRelease": RELEASE, "reasons": {}}
    assert secretary.get(f"/health?templateRelease={RELEASE}").status == 200
    for other in ("sha256:" + "40" * 32, RELEASE.upper(), RELEASE[:19], ""):
        answer = secretary.get(f"/health?templateRelease={other}")
        assert answer.status == 503
        assert answer.json()["reason"] == f"{other} was requested, {RELEASE} is loaded"


def test_pages_outlive_the_content_store(secretary: Instance, store: Ledger) -> None:
    """With Redis killed the pages stay, marked stale, and live again when it is back."""
    live = secretary.get("/").data
    store.process.kill()
    store.process.wait()
    stale = secretary.get("/")
    assert (stale.status, stale.data, stale.headers["X-HS-Content"]) == (200, live, "stale")
    patience = urllib3.Retry(total=100, backoff_factor=0.05, backoff_max=0.05, status_forcelist=[503])
    assert secretary.pool.request("GET", "/health", retries=patience).status == 200
    store.start()
    assert becomes_live(secretary)


def test_an_emptied_store_takes_no_page_away(secretary: Instance, store: Ledger) -> None:
    """A Redis that came back without its documents is no reason to answer 404."""
    secretary.get("/donate")
    with closing(Redis.from_url(store.url)) as redis:
        redis.flushall()
    answer = secretary.get("/donate")
    assert (answer.status, answer.headers["X-HS-Content"]) == (200, "stale")


def test_a_hanging_store_holds_up_nobody_for_long(secretary: Instance, store: Ledger) -> None:
    """A Redis that accepts and never answers costs half a second once, then nothing."""
    secretary.get("/")
    os.kill(store.process.pid, signal.SIGSTOP)
    try:
        first = secretary.pool.request("GET", "/", timeout=2.0)
        second = secretary.pool.request("GET", "/", timeout=0.4)
    finally:
        os.kill(store.process.pid, signal.SIGCONT)
    assert [answer.headers["X-HS-Content"] for answer in (first, second)] == ["stale", "stale"]


def test_a_page_that_cannot_be_rendered_tells_the_log_only(tmp_path: Path, store: Ledger) -> None:
    """A failing template is a 500 with the error page; the reason stands in the log and in health."""
    broken = copy_release(tmp_path / "broken", "about.html", "\n{{ page.title / 2 }}")
    with run_secretary(tmp_path / "secretary", store.url, broken) as secretary:
        answer = secretary.get("/about")
        health = secretary.get("/health")
        log = read_log(secretary)
    assert answer.status == 500
    assert answer.headers["Cache-Control"] == "no-store"
    assert b"That did not work." in answer.data
    assert b"TypeError" not in answer.data
    assert b"Traceback" not in answer.data
    assert health.status == 503
    assert "about.html:2: TypeError" in health.json()["reasons"]["/about"]
    assert any("about.html:2: TypeError" in str(line["message"]) for line in log)


def test_a_broken_release_does_not_start(tmp_path: Path, store: Ledger) -> None:
    """A release with mistakes ends the instance with 1 and all of them in the log."""
    broken = copy_release(tmp_path / "broken", "about.html", "{% if %}")
    (broken / "home.html").unlink()
    process = start_secretary(tmp_path / "secretary", broken, store.url, free_port())
    assert process.wait(10) == 1
    lines = (tmp_path / "secretary/log").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["check"] for line in lines} >= {"template-syntax", "template-missing"}


def test_an_instance_without_content_is_not_ready(tmp_path: Path, store: Ledger) -> None:
    """Started while its store is down, an instance asks for no traffic until the store is back."""
    store.stop()
    with run_secretary(tmp_path / "secretary", store.url) as secretary:
        assert secretary.get("/health").status == 503
        store.start()
        patience = urllib3.Retry(total=100, backoff_factor=0.1, backoff_max=0.1, status_forcelist=[503])
        assert secretary.pool.request("GET", "/health", retries=patience).status == 200


def test_sigterm_ends_it_in_good_order(secretary: Instance) -> None:
    """SIGTERM ends the instance with 0, after a last line in the log."""
    secretary.get("/")
    secretary.process.send_signal(signal.SIGTERM)
    assert secretary.process.wait(10) == 0
    assert all(line["instance"] == "secretary-test" for line in read_log(secretary))


def test_requests_are_logged_without_their_query(secretary: Instance) -> None:
    """Each request is one JSON line with what the gateway said of the visitor, and never the query."""
    secretary.get("/donate?email=ada@example.org", **{"X-Request-Id": "r1", "X-HS-Country": "US"})
    wait_until(lambda: bool(find_logged(secretary, "r1")))
    (line,) = find_logged(secretary, "r1")
    assert (line["path"], line["status"], line["country"]) == ("/donate", 200, "US")
    assert "example.org" not in json.dumps(line)


def test_seeding_again_changes_nothing(store: Ledger) -> None:
    """The seed fills what is missing and leaves what an editor wrote."""
    write_page(store, "page:about", {"title": "Edited"})
    assert seed_content(store.url, CONTENT) == ()
    assert read_page(store, "page:about") == {"title": "Edited"}
