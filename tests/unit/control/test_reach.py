"""What a campaign of several nodes must not write."""

from __future__ import annotations

from pathlib import Path

from handshake.campaign.policy import check_campaign
from handshake.campaign.settings import CampaignSettings
from handshake.config.reader import read_settings

_CAMPAIGN = """
name = "campaign"
nodes = {nodes}
[listen]
ingress = "10.0.0.1:8080"
catalog = "10.0.0.1:8500"
agent = "10.0.0.1:8091"
[regions.east]
listen = "{host}:8101"
"""


def problems(folder: Path, *, nodes: str, host: str) -> list[str]:
    """Return what is wrong with a campaign."""
    file = folder / "handshake.toml"
    file.write_text(_CAMPAIGN.format(nodes=nodes, host=host))
    return [str(problem) for problem in check_campaign(read_settings(CampaignSettings, file))]


def test_what_other_nodes_must_reach_is_on_no_loopback_address(tmp_path: Path) -> None:
    """A region on a loopback address is one problem, at its line; the dashboard may be this machine's own."""
    (problem,) = problems(tmp_path, nodes='["n1", "n2"]', host="127.0.0.1")
    assert "regions.east.listen is 127.0.0.1:8101, which other nodes cannot reach" in problem
    assert "handshake.toml:9" in problem


def test_one_node_may_keep_to_itself(tmp_path: Path) -> None:
    """On one machine loopback is right, and shared addresses are right on several."""
    assert problems(tmp_path, nodes='["n1"]', host="127.0.0.1") == []
    assert problems(tmp_path, nodes='["n1", "n2"]', host="10.0.0.1") == []
