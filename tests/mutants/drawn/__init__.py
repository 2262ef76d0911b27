"""Mutants that nobody chose: drawn by a seed, with the operators of cosmic-ray and gremlins."""
