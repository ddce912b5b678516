"""The leader: what is global. One process at a time holds the lock; rollouts, reverts and settling are its."""
