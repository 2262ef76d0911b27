"""A foreign system: read from its Compose file, which is never edited, and started with doors before servers.

`system` is the model; `lab_of_system`, `resolve_compose` and `door_api` run commands, the others are pure.
This package may import engines and labs, and no other package of the driver imports it but the command line.
"""
