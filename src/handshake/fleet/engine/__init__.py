"""The rollout engine: pure functions from the desired and observed state to the next steps."""
