"""The agent: what is local to a node, kept where the catalogue says it should be."""
