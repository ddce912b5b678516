"""The dashboard: the same reports as `--json`, for people who look rather than read. It changes nothing."""
