"""Histories for a checker that we did not write, and whether it agrees with our checks."""
