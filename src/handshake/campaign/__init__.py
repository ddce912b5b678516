"""The campaign as a whole: its settings, policy, plan, releases and status."""
