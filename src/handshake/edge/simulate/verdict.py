"""Evaluates the policy for one request without an edge; also used to replay logs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from handshake.edge.policy.actions import (
    CacheAction,
    Decoy,
    HeaderChanges,
    Headers,
    Limit,
    Pass,
    Redirect,
    Respond,
    RouteAction,
    Split,
)
from handshake.edge.policy.policy import EdgePolicy, Rule
from handshake.edge.policy.request import LiveData, Request
from handshake.edge.policy.variables import Phase
from handshake.edge.simulate.evaluate import Evaluator


@dataclass(frozen=True, kw_only=True)
class RequestVerdict:
    """The outcome of a request."""

    matched: tuple[Rule, ...]
    """The rules whose conditions hold, in order, up to the one that answers."""
    request: Request
    """As forwarded, with the rules' changes."""
    ending: Rule | None = None
    """The rule that answers; None if the request is forwarded."""

    @property
    def statuses(self) -> tuple[int, ...]:
        """The statuses that the visitor may see; empty if no rule answers, and where the connection just ends."""
        match self.ending.action if self.ending else None:
            case Respond(status=status) | Limit(status=status):
                return (status,)
            case Redirect(status=status):
                return (status.value,)
            case Decoy(answers=answers):
                return tuple(answer.status for answer in answers)
            case _:
                return ()

    @property
    def limits(self) -> tuple[Rule, ...]:
        """The rules that count this request."""
        return tuple(rule for rule in self.matched if isinstance(rule.action, Limit))

    @property
    def caching(self) -> CacheAction:
        """What the rules say of caching; the later rule wins."""
        wishes = [rule.action for rule in self.matched if isinstance(rule.action, CacheAction)]
        merged = {name: value for wish in wishes for name, value in wish if value is not None and value != ()}
        return CacheAction(**merged)

    @property
    def passes(self) -> bool:
        """Whether a rule wants the origin to be asked each time."""
        return any(isinstance(rule.action, Pass) for rule in self.matched)

    @property
    def answer_headers(self) -> tuple[HeaderChanges, ...]:
        """What the rules change on the answer: the cache's first, then the ingress's, through which it leaves."""
        return tuple(
            rule.action.response
            for phase in (Phase.SERVE, Phase.ADMIT)
            for rule in self.matched
            if rule.phase is phase and isinstance(rule.action, Headers)
        )


def simulate(policy: EdgePolicy, request: Request, live: LiveData) -> RequestVerdict:
    """Return the verdict on a request of which everything is known."""
    evaluator = Evaluator(policy, live)

    def holds(rule: Rule, request: Request) -> bool:
        return evaluator.holds(rule.condition, request)

    return follow(order_rules(policy), request, live.exceeded, holds)


def order_rules(policy: EdgePolicy) -> tuple[Rule, ...]:
    """Return a policy's rules as they are tried: the ingress's, then the cache's."""
    return tuple(rule for phase in Phase for rule in policy.select_rules(phase))


def follow(
    rules: Iterable[Rule], request: Request, exceeded: frozenset[str], holds: Callable[[Rule, Request], bool]
) -> RequestVerdict:
    """Return what happens to a request under rules in their order; `exceeded` names limits that are reached."""
    matched: list[Rule] = []
    for rule in rules:
        if not holds(rule, request):
            continue
        matched.append(rule)
        if rule.action.ends or (isinstance(rule.action, Limit) and rule.name in exceeded):
            return RequestVerdict(matched=tuple(matched), request=request, ending=rule)
        request = _change(rule, request)
    return RequestVerdict(matched=tuple(matched), request=request)


def _change(rule: Rule, request: Request) -> Request:
    """Return the request as the next rule sees it."""
    match rule.action:
        case Headers(request=changes):
            removed = {name.lower() for name in changes.remove}
            kept = {name: value for name, value in request.headers.items() if name not in removed}
            return replace(request, headers=kept | {name.lower(): its for name, its in changes.set.items()})
        case RouteAction() as route:
            return replace(request, path=_reroute(route, request.path))
        case Split(arms=arms):
            arm = request.arms.get(rule.name) or next(iter(arms))
            return replace(request, arms={**request.arms, rule.name: arm})
        case _:
            return request


def _reroute(route: RouteAction, path: str) -> str:
    if route.prefix is None:
        return route.to
    return route.to + path.removeprefix(route.prefix) if path.startswith(route.prefix) else path
