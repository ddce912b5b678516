"""The renderer without a network: template releases, pages, what is held, health."""
