"""Drills: rehearsed failures and attacks, and the load under which they happen."""
