"""The instances of one node: launched, probed, reported, measured, drained, stopped."""
