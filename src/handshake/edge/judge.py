"""The same verdicts as the simulator's, fast enough for a log of a hundred thousand requests."""

from __future__ import annotations

from handshake.edge.evaluate import Evaluator
from handshake.edge.policy import Policy, Rule
from handshake.edge.request import LiveData, Request
from handshake.edge.simulate import Verdict, follow, order_rules


class Judge:
    """One policy over the live data of a moment."""

    def __init__(self, policy: Policy, live: LiveData) -> None:
        self._evaluator = Evaluator(policy, live)
        self._rules = order_rules(policy)
        self._exceeded = live.exceeded

    def judge(self, request: Request) -> Verdict:
        """Return the verdict on a request of which everything is known."""
        return follow(self._rules, request, self._exceeded, self.holds)

    def holds(self, rule: Rule, request: Request) -> bool:
        """Return whether a request meets a rule's condition."""
        return bool(self._evaluator.evaluate(rule.condition, request))
