"""The Secretary of Stateless: renders pages from a template release and live content, and keeps no state."""
