"""The dashboard: the reports of `--json`, for people. It changes nothing."""
