"""A campaign as a whole: its settings, its policy, its plan, its releases, its status."""
