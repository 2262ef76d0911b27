"""Advice for a system of one's own: what to change in it, from what was found; one module for each piece.

Begin with `catalogue`, which finds the modules; each declares an `ADVISER`. Pure.
"""
