"""Each promise is judged by what an instance does: kept by an honest one, broken by each way of breaking it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from handshake.image.contract_check.promises import PROMISES
from handshake.image.contract_check.trial import ExitObservation, PromiseRuling, TrialRequest, TrialResponse
from tests.unit.contract_check.memory_trial import (
    CONTRACT,
    Habits,
    MemoryInstance,
    MemoryTrial,
    answer,
    serve_honestly,
)

BY_NAME = {promise.name: promise for promise in PROMISES}


def fail_all(_: MemoryInstance, __: TrialRequest) -> TrialResponse:
    """Fail."""
    return answer(500, {})


def serve_health_as_text(instance: MemoryInstance, request: TrialRequest) -> TrialResponse:
    """Say `ok`, in no JSON."""
    return (
        TrialResponse(status=200, body="ok")
        if request.path == "/health"
        else serve_honestly(instance, request)
    )


def serve_slowly(instance: MemoryInstance, request: TrialRequest) -> TrialResponse:
    """Take half a second."""
    return replace(serve_honestly(instance, request), seconds=0.5)


def agree(instance: MemoryInstance, request: TrialRequest) -> TrialResponse:
    """Have every release loaded."""
    return serve_honestly(instance, TrialRequest(path=request.path.partition("?")[0], body=request.body))


def refuse_without_reason(instance: MemoryInstance, request: TrialRequest) -> TrialResponse:
    """Answer 503 and nothing more."""
    said = serve_honestly(instance, request)
    return answer(503, {}) if said.status == 503 else said


def disagree(_: MemoryInstance, request: TrialRequest) -> TrialResponse:
    """Have no release loaded, not even the right one."""
    return answer(503 if "?" in request.path else 200, {"reason": "none is loaded"})


def name_itself(instance: MemoryInstance, _: TrialRequest) -> TrialResponse:
    """Answer with something that only this instance says."""
    return answer(200, {"count": instance.name})


def count_visitors(instance: MemoryInstance, _: TrialRequest) -> TrialResponse:
    """Answer the same question in another way each time."""
    return answer(200, {"count": instance.requests})


def count_always(instance: MemoryInstance, request: TrialRequest) -> TrialResponse:
    """Look at no key."""
    instance.store.keys.clear()
    return serve_honestly(instance, request)


def count_by_instance(instance: MemoryInstance, request: TrialRequest) -> TrialResponse:
    """Know only the keys that this very instance has seen."""
    own = {name: f"{instance.name}{value}" for name, value in request.headers.items()}
    return serve_honestly(instance, replace(request, headers=own))


def count_nothing(instance: MemoryInstance, request: TrialRequest) -> TrialResponse:
    """Accept, and have no effect."""
    return answer(201, {}) if request.body else serve_honestly(instance, request)


def refuse_posts(instance: MemoryInstance, request: TrialRequest) -> TrialResponse:
    """Accept nothing."""
    return answer(400, {}) if request.body else serve_honestly(instance, request)


def count_in_words(_: MemoryInstance, __: TrialRequest) -> TrialResponse:
    """Say the count in words."""
    return answer(200, {"count": "many"})


def fail_alone(instance: MemoryInstance, request: TrialRequest) -> TrialResponse:
    """Fail once a twin is gone."""
    alone = any(each.is_killed for each in instance.trial.running)
    return answer(500, {}) if alone else serve_honestly(instance, request)


BREAKING: dict[str, tuple[str, dict[str, Any]]] = {
    "answers: silent": ("answers", {"is_silent": True}),
    "health: failing": ("health", {"serve": fail_all}),
    "health: no JSON": ("health", {"serve": serve_health_as_text}),
    "health: costly": ("health", {"processor_seconds": 0.011}),
    "health: slow": ("health", {"serve": serve_slowly}),
    "template-release: any": ("template-release", {"serve": agree}),
    "template-release: no reason": ("template-release", {"serve": refuse_without_reason}),
    "template-release: none": ("template-release", {"serve": disagree}),
    "likeness: failing": ("likeness", {"serve": fail_all}),
    "likeness: by instance": ("likeness", {"serve": name_itself}),
    "likeness: by visit": ("likeness", {"serve": count_visitors}),
    "idempotency: none": ("idempotency", {"serve": count_always}),
    "idempotency: by instance": ("idempotency", {"serve": count_by_instance}),
    "idempotency: no effect": ("idempotency", {"serve": count_nothing}),
    "idempotency: refused": ("idempotency", {"serve": refuse_posts}),
    "idempotency: no number": ("idempotency", {"serve": count_in_words}),
    "memory: full": ("memory", {"data_megabytes": 64.0}),
    "memory: failing": ("memory", {"serve": fail_all}),
    "memory: ended": ("memory", {"ends_under_load": True}),
    "logs: none": ("logs", {"lines": ()}),
    "logs: blank": ("logs", {"lines": ("", " ")}),
    "logs: binary": ("logs", {"lines": ("serving", "a\x00b")}),
    "logs: no UTF-8": ("logs", {"lines": ("\N{REPLACEMENT CHARACTER}",)}),
    "read-only: changed": ("read-only", {"changed": ("main.py",)}),
    "read-only: attempt": ("read-only", {"lines": ("OSError: [Errno 30] Read-only file system: 'x'",)}),
    "port: second": ("port", {"others": ("127.0.0.1:9999",)}),
    "port: everywhere": ("port", {"others": ("0.0.0.0:20001",)}),
    "secrets: runs on": ("secrets", {"stripped": None}),
    "secrets: ends well": ("secrets", {"stripped": ExitObservation(code=0)}),
    "secrets: unsaid": ("secrets", {"stripped_lines": ("something is wrong",)}),
    "twin: fails": ("twin", {"serve": fail_alone}),
    "drain: lost": ("drain", {"lost_in_drain": True}),
    "drain: exit code": ("drain", {"drained": ExitObservation(code=143, seconds=0.1)}),
    "drain: killed": ("drain", {"drained": ExitObservation(code=137, seconds=5.01)}),
    "drain: refused": ("drain", {"serve": refuse_posts}),
}


def trial(**habits: Any) -> MemoryTrial:
    """Return a trial of an honest service with other habits."""
    return MemoryTrial(habits=Habits(**{"serve": serve_honestly, **habits}))


@pytest.mark.parametrize("name", BY_NAME)
def test_an_honest_service_keeps_every_promise(name: str) -> None:
    """What breaks no promise is said to keep each one, with what was measured."""
    finding = BY_NAME[name].check(trial())
    assert (finding.ruling, finding.evidence) == (PromiseRuling.KEPT, ())
    assert finding.said


@pytest.mark.parametrize("case", BREAKING)
def test_every_way_of_breaking_a_promise_is_found(case: str) -> None:
    """A service that breaks a promise in this way is found to break it, and the finding says how."""
    name, habits = BREAKING[case]
    finding = BY_NAME[name].check(trial(**habits))
    assert finding.ruling is PromiseRuling.BROKEN
    assert finding.said


def test_every_promise_can_be_broken() -> None:
    """There is no promise that nothing breaks."""
    assert {name for name, _ in BREAKING.values()} == set(BY_NAME)


@pytest.mark.parametrize("name", ["template-release", "likeness", "idempotency", "secrets"])
def test_a_promise_that_a_contract_does_not_make_is_not_judged(name: str) -> None:
    """Without templates, reads, idempotent POSTs and secrets nothing is asked about them."""
    contract = replace(CONTRACT, stores=(), templates="", reads=(), idempotent=())
    bare = MemoryTrial(habits=Habits(serve=serve_honestly), contract=contract, templates=None)
    assert BY_NAME[name].check(bare).ruling is PromiseRuling.NOT_MADE
    assert bare.launched == 0


def test_a_count_may_go_down() -> None:
    """What counts effects may count what is left, as long as each effect moves it by the same step."""

    def count_down(instance: MemoryInstance, request: TrialRequest) -> TrialResponse:
        said = serve_honestly(instance, request)
        return answer(200, {"count": 54 - instance.store.count}) if request.path == "/count" else said

    assert BY_NAME["idempotency"].check(trial(serve=count_down)).ruling is PromiseRuling.KEPT
