"""The edge policy: edge.toml, read, checked and typed."""
