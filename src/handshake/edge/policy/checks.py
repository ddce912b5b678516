"""Checks of edge.toml beyond types: trusted proxies, rule names, actions and the headers that they write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from handshake.config.reader import Loaded
from handshake.config.source import Path
from handshake.core.hop_header import HOP_PREFIX
from handshake.core.problem import Problem
from handshake.edge.policy.actions import (
    Action,
    Decoy,
    DecoyAnswer,
    HeaderChanges,
    Headers,
    Limit,
    Redirect,
    Respond,
    Split,
)
from handshake.edge.policy.declarations import check_network
from handshake.edge.policy.decoy_templates import split_text
from handshake.edge.policy.request import is_stripped
from handshake.edge.policy.settings import EdgeSettings, RuleSettings
from handshake.edge.policy.variables import Phase

_LOWEST_STATUS = 200
_HIGHEST_STATUS = 599
_LOWEST_ANSWER = 100
LARGEST_BODY_BYTES = 12_288
"""HAProxy answers from one buffer of 16 KiB, which must also hold the headers."""


def check_actions(loaded: Loaded[EdgeSettings]) -> list[Problem]:
    """Return everything that is wrong with the rules' actions, each with its position."""
    problems: list[Problem] = []
    for number, rule in enumerate(loaded.model.rule):
        path: Path = ("rule", number)
        if len(rule.actions) != 1:
            problems.append(_one_action(loaded, path, rule))
        for name, action in rule.actions.items():
            problems += _check_action(loaded, (*path, name), rule.phase, action)
    if len(loaded.model.fallback.body.encode()) > LARGEST_BODY_BYTES:
        problems.append(_body_too_large(loaded, ("fallback", "body"), loaded.model.fallback.body))
    return problems


def _check_action(
    loaded: Loaded[EdgeSettings], path: Path, phase: Phase, action: Action
) -> Iterator[Problem]:
    if phase not in action.phases:
        yield _wrong_phase(loaded, path, phase, action)
    if isinstance(action, Respond) and action.reason and phase is Phase.ADMIT:
        yield _reason_at_ingress(loaded, (*path, "reason"))
    for place, status in _statuses_of(action):
        if not _LOWEST_STATUS <= status <= _HIGHEST_STATUS:
            yield _bad_status(loaded, (*path, *place), status)
    for place, body in _bodies_of(action):
        if phase is Phase.ADMIT and len(body.encode()) > LARGEST_BODY_BYTES:
            yield _body_too_large(loaded, (*path, *place), body)
    yield from _check_own(loaded, path, phase, action)


def _check_own(loaded: Loaded[EdgeSettings], path: Path, phase: Phase, action: Action) -> Iterator[Problem]:
    """Check what applies to only one kind of action."""
    match action:
        case Decoy(answers=answers):
            for place, answer in enumerate(answers):
                yield from _check_decoy(loaded, (*path, "answers", place), answer)
        case Limit(failures=failures):
            yield from _check_failures(loaded, path, failures)
        case Respond(headers=headers, body=body):
            # The cache stores a body apart from its headers; the ingress has one buffer for both.
            yield from check_answer(loaded, path, headers, body if phase is Phase.ADMIT else "")
        case Redirect(to=to, keep_path=True) if "?" in to:
            yield _path_behind_query(loaded, (*path, "to"))
        case Headers():
            yield from check_changes(loaded, (*path, "request"), action.request)
            yield from check_changes(loaded, (*path, "response"), action.response)
        case Split(arms=arms) if not any(arms.values()):
            yield _no_weight(loaded, (*path, "arms"))


def _statuses_of(action: Action) -> Iterator[tuple[Path, int]]:
    match action:
        case Respond(status=status) | Limit(status=status):
            yield ("status",), status
        case Decoy(answers=answers):
            yield from ((("answers", place, "status"), answer.status) for place, answer in enumerate(answers))


def _bodies_of(action: Action) -> Iterator[tuple[Path, str]]:
    match action:
        case Respond(body=body) | Limit(body=body):
            yield ("body",), body
        case Decoy(answers=answers):
            yield from ((("answers", place, "body"), answer.body) for place, answer in enumerate(answers))


def _check_failures(loaded: Loaded[EdgeSettings], path: Path, failures: Iterable[int]) -> Iterator[Problem]:
    for place, status in enumerate(failures):
        if not _LOWEST_ANSWER <= status <= _HIGHEST_STATUS:
            yield _bad_status(loaded, (*path, "failures", place), status)


def _check_decoy(loaded: Loaded[EdgeSettings], path: Path, answer: DecoyAnswer) -> Iterator[Problem]:
    yield from check_answer(loaded, path, answer.headers, answer.body)
    texts: dict[Path, str] = {
        ("body",): answer.body,
        **{("headers", name): its for name, its in answer.headers.items()},
    }
    for place, text in texts.items():
        try:
            list(split_text(text))
        except ValueError as error:
            yield Problem(
                check="edge-decoy-place",
                what=str(error),
                where=loaded.source.at(*path, *place),
                hint="Placeholders: {uuid}, {hex:1} to {hex:64}, {digits:1} to {digits:15}, {now} and {body:FIELD}.",
            )


def _one_action(loaded: Loaded[EdgeSettings], path: Path, rule: RuleSettings) -> Problem:
    has = " and ".join(rule.actions) or "none"
    return Problem(
        check="edge-one-action",
        what=f"a rule must have exactly one action, but this one has {has}",
        where=loaded.source.at(*path),
        hint=f"Write one of {', '.join(name for name in _ACTION_NAMES)}; for two actions, write two rules.",
    )


_ACTION_NAMES = ("respond", "decoy", "redirect", "limit", "headers", "cache", "pass", "route", "split")


def _wrong_phase(loaded: Loaded[EdgeSettings], path: Path, phase: Phase, action: Action) -> Problem:
    able = "ingress" if Phase.ADMIT in action.phases else "cache"
    other = next(iter(action.phases))
    return Problem(
        check="edge-action-phase",
        what=f"{path[-1]} is not available in phase {phase}",
        where=loaded.source.at(*path),
        hint=f'Only the {able} can do it: phase = "{other}".',
    )


def _reason_at_ingress(loaded: Loaded[EdgeSettings], path: Path) -> Problem:
    return Problem(
        check="edge-reason-phase",
        what="the ingress cannot set the reason phrase",
        where=loaded.source.at(*path),
        hint='Put it in the body, or answer at the cache: phase = "serve".',
    )


def _bad_status(loaded: Loaded[EdgeSettings], path: Path, status: int) -> Problem:
    return Problem(
        check="edge-status",
        what=f"{status} is not an HTTP status that the edge can answer with",
        where=loaded.source.at(*path),
        hint='Use a registered status and put the rest in the body: status = 403, body = "Bad Taco."',
    )


def _body_too_large(loaded: Loaded[EdgeSettings], path: Path, body: str) -> Problem:
    return Problem(
        check="edge-body-too-large",
        what=f"the body has {len(body.encode()):,} bytes; the ingress can send at most {LARGEST_BODY_BYTES:,}",
        where=loaded.source.at(*path),
        hint="Shorten it, or redirect to a page of a site.",
    )


def _path_behind_query(loaded: Loaded[EdgeSettings], path: Path) -> Problem:
    return Problem(
        check="edge-redirect-path",
        what="the request's path cannot be appended to a URL with a query",
        where=loaded.source.at(*path),
        hint="Remove the query, or keep_path.",
    )


def _no_weight(loaded: Loaded[EdgeSettings], path: Path) -> Problem:
    return Problem(
        check="edge-split-weights",
        what="every arm has weight 0, so no visitor can be assigned to one",
        where=loaded.source.at(*path),
        hint="Give the arms weights: arms = { control = 90, bold = 10 }",
    )


# Checks of trusted proxies and rule names. Conditions and actions have their own checks.


def check_proxies(loaded: Loaded[EdgeSettings]) -> list[Problem]:
    """Return a problem for every trusted proxy that is neither an address nor a network."""
    settings = loaded.model
    named = {"trusted_proxies": settings.trusted_proxies, "proxy_protocol": settings.proxy_protocol}
    return [
        problem
        for key, texts in named.items()
        for number, text in enumerate(texts)
        for problem in check_network(loaded, (key, number), text)
    ]


def check_names(loaded: Loaded[EdgeSettings]) -> list[Problem]:
    """Return a problem for every rule whose name is already taken by an earlier one."""
    counts: Counter[str] = Counter()
    problems: list[Problem] = []
    for number, rule in enumerate(loaded.model.rule):
        counts[rule.name] += 1
        if counts[rule.name] > 1:
            problems.append(
                Problem(
                    check="edge-duplicate-rule",
                    what=f"another rule is already named {rule.name}",
                    where=loaded.source.at("rule", number, "name"),
                    hint="Logs and statistics identify rules by name: give it a unique one.",
                )
            )
    return problems


# Checks of the headers that a policy writes: none that frames a message, and no more than every program can hold.

MOST_HEADERS = 40
"""Varnish allows 64 header lines per message, including its own and the origin's."""
LARGEST_HEAD_BYTES = 6_144
"""Varnish allows 8 KiB for the head of a response."""
LARGEST_ANSWER_BYTES = 14_336
"""HAProxy's buffer of 16 KiB, minus its reserve and the headers of every response."""
_FRAMING = frozenset(
    ("connection", "content-length", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade")
)
"""They define where a message ends and for whom it is: changing them would make the message ambiguous."""


def check_answer(
    loaded: Loaded[EdgeSettings], path: Path, headers: Mapping[str, str], body: str
) -> Iterator[Problem]:
    """Check the headers of a response whose body shares a buffer with them; empty if it has no such body."""
    yield from _check_names(loaded, path, [(("headers", name), name) for name in headers])
    yield from (
        _second_type(loaded, (*path, "headers", name)) for name in headers if name.lower() == "content-type"
    )
    yield from _check_once(loaded, (*path, "headers"), headers)
    yield from _check_size(loaded, (*path, "headers"), headers, LARGEST_ANSWER_BYTES - len(body.encode()))


def check_changes(loaded: Loaded[EdgeSettings], path: Path, changes: HeaderChanges) -> Iterator[Problem]:
    """Check what a rule sets in a message and removes from it."""
    named = [(("set", name), name) for name in changes.set]
    yield from _check_names(
        loaded, path, [*named, *((("remove", at), name) for at, name in enumerate(changes.remove))]
    )
    yield from _check_once(loaded, (*path, "set"), changes.set)
    yield from _check_size(loaded, (*path, "set"), changes.set, LARGEST_HEAD_BYTES)


def _check_names(
    loaded: Loaded[EdgeSettings], path: Path, named: Iterable[tuple[Path, str]]
) -> Iterator[Problem]:
    for place, name in named:
        if name.lower() in _FRAMING or (is_stripped(name) and name.lower().startswith(HOP_PREFIX.lower())):
            yield Problem(
                check="edge-framing-header",
                what=f"policies cannot change {name}: it frames the message, or belongs to the edge",
                where=loaded.source.at(*path, *place),
                hint="Remove it, or use another header name.",
            )


def _check_once(loaded: Loaded[EdgeSettings], path: Path, headers: Mapping[str, str]) -> Iterator[Problem]:
    """Check that no header occurs in two spellings: one program would send both, another only the last."""
    seen: set[str] = set()
    for name in headers:
        if name.lower() in seen:
            yield Problem(
                check="edge-duplicate-header",
                what=f"{name} is already set, in another spelling",
                where=loaded.source.at(*path, name),
                hint="Write it once; separate several values with commas.",
            )
        seen.add(name.lower())


def _check_size(
    loaded: Loaded[EdgeSettings], path: Path, headers: Mapping[str, str], room: int
) -> Iterator[Problem]:
    # A name and its value take a line of their own, with four more characters.
    size = sum(len(name) + len(value) + 4 for name, value in headers.items())
    possible = min(room, LARGEST_HEAD_BYTES)
    if len(headers) > MOST_HEADERS or (headers and size > possible):
        yield Problem(
            check="edge-head-too-large",
            what=f"{len(headers)} headers of {size:,} bytes are too many; the maximum is {MOST_HEADERS} headers of {possible:,} bytes",
            where=loaded.source.at(*path),
            hint="Shorten them, or redirect to a page of a site.",
        )


def _second_type(loaded: Loaded[EdgeSettings], path: Path) -> Problem:
    return Problem(
        check="edge-framing-header",
        what="the response would have two content types",
        where=loaded.source.at(*path),
        hint='Write it as content_type = "text/css".',
    )
