"""Instances on this node: bubblewrap sandboxes over read-only trees, each with its own supervisor."""
