"""Verbs and the leader over a catalogue in memory."""
