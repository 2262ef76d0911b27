"""Names of links and their ends: `api[2]->db:5432` is of the replica `api[2]` and the service `db`. Pure."""

from __future__ import annotations

ARROW = "->"


def is_link(name: str) -> bool:
    """Whether a name is a link's."""
    return ARROW in name


def pair_of(link: str) -> str:
    """Return the pair of a link: `api->db:5432` for `api[2]->db:5432`."""
    client, arrow, server = link.partition(ARROW)
    return f"{service_of(client)}{arrow}{server.partition('@')[0]}"


def client_of(link: str) -> str:
    """Return the client of a link: `api[2]` for `api[2]->db:5432`."""
    return link.partition(ARROW)[0]


def server_of(link: str) -> str:
    """Return the service of a link's server: `db` for `api[2]->db:5432`."""
    return link.partition(ARROW)[2].partition(":")[0]


def is_client(container: str, link: str) -> bool:
    """Whether a container is the client of a link, which may name a lone replica by its service."""
    return client_of(link) in (container, f"{container}[1]")


def service_of(container: str) -> str:
    """Return the service of a container: `api` for `api[2]`."""
    return container.partition("[")[0]


def touches(link: str, target: str) -> bool:
    """Whether a container, or a service, is at an end of a link; a server's replicas share its links."""
    if is_link(target):
        return False
    is_of_client = target == service_of(client_of(link)) or is_client(target, link)
    return is_of_client or server_of(link) == service_of(target)
