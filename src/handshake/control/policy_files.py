"""What the files of a policy are called."""

CAMPAIGN_FILE = "handshake.toml"
EDGE_FILE = "edge.toml"
GATEWAY_FILE = "gateway.toml"
CASES_FILE = "edge_tests.toml"
"""Requests, and what edge.toml must make of them: not a part of the policy, but released with it."""
