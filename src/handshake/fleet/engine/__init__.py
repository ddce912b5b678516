"""The rollout engine: pure functions from what is wanted and observed to the next steps."""
