"""Which files of the package run on a walk, over all processes: a tracer, an interpreter that loads it, and its reader."""
