"""The leader: global decisions. One process at a time holds the lock."""
