"""A foreign system: read from its Compose file, which is never edited, and started with doors before servers.

`system` is the model; `lab_of_system` starts a system, and `running_system` is one that is up, with its
`system_engine`, `system_links` and `system_prober`. `resolve_compose` and `prober_container` run commands,
`door_api` is a client, the others are pure.
This package may import engines, histories and labs; only `driver.trial` and the command line import it.
"""
