"""Static frontends: their settings, the tree that was built, and what must travel to publish it."""
