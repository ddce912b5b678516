"""Entries of lists: how they are written, how long they stay, whom they meet."""
