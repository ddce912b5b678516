"""The agent: what is local to a node. Instances, gateway, door, cache and the programs beside them."""
