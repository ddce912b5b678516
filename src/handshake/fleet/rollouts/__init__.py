"""Rollouts: the leader observes, asks the engine, and carries out its steps."""
