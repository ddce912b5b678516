"""The agent: keeps its node in the state that the catalogue asks for."""
