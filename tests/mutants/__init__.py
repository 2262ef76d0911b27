"""Defects that are put into a copy of the code that ships, each of which some test must catch."""
