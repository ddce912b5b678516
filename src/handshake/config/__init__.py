"""Configuration files -> located tree -> typed model. Knows TOML and types, and no word of the domain."""
