"""Drills: rehearsed failures and attacks, and the load during them."""
