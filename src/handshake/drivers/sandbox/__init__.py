"""Instances on this node: bubblewrap sandboxes over read-only trees, each under a supervisor of its own."""
