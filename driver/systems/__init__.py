"""A foreign system: read from its Compose file, which is never edited, and started with doors before servers.

`system` is the model; `lab_of_system` starts a system that a `system_request` names, with `system_images`,
`start_watch` and `system_removal`. `running_system` is one that is up, with its `system_engine`,
`system_links` and `system_prober`. `door_compose` generates the file with doors, under `door_names`.
This package may import engines, histories and labs; only `driver.trial` and the command line import it.
"""
