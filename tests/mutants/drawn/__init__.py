"""Mutants drawn by a seed, with the operators of cosmic-ray and gremlins."""
