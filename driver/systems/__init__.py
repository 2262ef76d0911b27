"""A foreign system: read from its Compose file, which is never edited, and started with doors before servers.

`system` is the model, `compose_config` and `door_compose` are pure, and the other modules run commands. This
package may import engines and labs, and no other package of the driver imports it but the command line.
"""
