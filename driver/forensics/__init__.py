"""What a run's journals tell of how its workers came back, and what other policies would have done. Pure."""
