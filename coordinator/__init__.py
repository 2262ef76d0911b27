"""Hands out work and remembers it: a pure core (ledger, sessions, channels), a durable store, and thin shells
around them.
"""
