"""Defects in the code of the example systems, each before the scenario that must catch it."""
