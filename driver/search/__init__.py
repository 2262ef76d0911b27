"""Search: draws timelines of faults by a seed, judges each, steers towards what is new, shrinks what fails.

The pure modules draw, compare and reduce values; `search_run`, `shrink_run` and what they name run them.
"""
