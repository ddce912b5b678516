"""Rollouts: the leader reads the world, asks the engine, and carries out its steps."""
