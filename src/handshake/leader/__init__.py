"""The leader: what is global. One process at a time holds the lock."""
