"""Configuration files, read into a tree with positions and then a typed model. Knows TOML and types, not the domain."""
