"""Lists as they lie in the catalogue and the regions: a head, numbered deltas, and now and then a snapshot."""
