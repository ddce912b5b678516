"""Transitions of the rollout engine: examples, and a simulated world that looks for counterexamples."""
