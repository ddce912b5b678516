"""Instances of one node: launched, probed, reported, measured, drained, stopped."""
