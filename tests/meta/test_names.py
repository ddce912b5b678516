"""One name, one meaning: what the field's words are settled to, and that no two classes share a name."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.meta.sources import SOURCES, modules

SETTLED = {
    "Believer": "SignatureVerifier",
    "Calm": "CircuitBreaker",
    "Deed": "Action",
    "Door": "Ingress",
    "Ground": "PolicyContext",
    "House": "NodePaths, or the campaign",
    "Keeping": "CacheDecision",
    "Kitchen": "BuildContext",
    "Larder": "PackageSource",
    "Moment": "core/times",
    "Mood": "Settlement",
    "Presence": "Heartbeat",
    "Saying": "EntryState",
    "Shake": "ContractCheck",
    "Shaken": "ContractResult",
    "Shaking": "ContractCheck",
    "Sight": "KnownFields",
    "Speak": "ListChange",
    "Surroundings": "IngressTarget, CacheTarget, GatewayTarget, FastlyTarget",
    "Telling": "ProgressReporter",
    "Wall": "ListEditor",
    "Warmth": "CacheWarmer",
    "Wish": "ListChange",
    "Witness": "AccessLogAnalyzer, ProcessInspector",
    "Workshop": "PublishContext",
}
"""Word that no class's name has in it any more -> the field's own."""

SHARED: dict[str, str] = {}
"""Name that classes of several modules may share -> why that is right."""

_WORDS = re.compile(r"[A-Z][a-z]+|[A-Z]+(?![a-z])")


def test_a_name_has_one_meaning() -> None:
    """No two classes of the package have one name, vendors' folders and private ones aside."""
    found: defaultdict[str, list[Path]] = defaultdict(list)
    for path, name in _classes():
        found[name].append(path)
    shared = {name: paths for name, paths in found.items() if len(paths) > 1}
    assert not {name: paths for name, paths in shared.items() if name not in SHARED}
    assert not SHARED.keys() - shared.keys(), "an exception that nothing needs"


def test_settled_words_stay_settled() -> None:
    """A word that was given up for the field's own names no class."""
    unsettled = {
        f"{path}: {name}": SETTLED[word]
        for path, name in _classes()
        for word in _WORDS.findall(name)
        if word in SETTLED
    }
    assert not unsettled


def _classes() -> Iterator[tuple[Path, str]]:
    """Yield every public class outside of the vendors' folders."""
    for module in modules():
        if module.room == "drivers":
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield module.path.relative_to(SOURCES), node.name
