"""The examples of the policy language's page are policies."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from handshake.edge.policy.settings import RuleSettings
from handshake.edge.policy.variables import BY_NAME
from tests.unit.edge.compiled import print_cache, print_ingress, read_text

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "edge-policy.md").read_text()
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: re.findall('name = "(.*?)"', text)[0])
def test_examples_compile(example: str) -> None:
    """Each example has no problems, and becomes configurations."""
    policy = read_text(example)
    assert all(f"# {rule.because}\n" in print_ingress(policy) + print_cache(policy) for rule in policy.rules)


def test_everything_is_explained() -> None:
    """The page has a row for each variable, and a heading and an example for each action."""
    missing = {name for name in BY_NAME if f"`{name}" not in PAGE}
    actions = {field.alias or name for name, field in RuleSettings.model_fields.items()} - {
        "name",
        "phase",
        "when",
    }
    examples = "\n".join(EXAMPLES)
    missing |= {action for action in actions if f"\n## {action}: " not in PAGE}
    missing |= {
        action
        for action in actions
        if not re.search(rf"^(\[rule\.)?{action}( = |\]|\.)", examples, re.MULTILINE)
    }
    assert not missing
