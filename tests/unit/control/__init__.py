"""The control plane's parts in memory."""
