"""Defects that need a fault at a certain message or a pair of faults, and the search that is to find them."""
