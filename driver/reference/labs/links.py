"""Links of the reference lab: our own routes of its Toxiproxy, and the stock client beside them.

The only importer of `toxiproxy`, the stock client, whose view of the links is a second one beside that of
our own routes. Both share one session.
"""

from __future__ import annotations

import requests
import toxiproxy.api
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

from driver.labs.toxiproxy_api import CALL_TIMEOUT_S, ToxiproxyApi


class Links(ToxiproxyApi):
    """Client of the Toxiproxy of the reference lab: one a process, with the stock client for a second view.

    Every call blocks, takes `call_timeout_s` at most, and raises LinksError when Toxiproxy does not answer,
    refuses, or answers something unexpected.
    """

    def __init__(self, host: str, port: int, call_timeout_s: float = CALL_TIMEOUT_S) -> None:
        super().__init__(host, port, call_timeout_s)
        # The stock client keeps its server's address and its session in its module: one server a process.
        toxiproxy.api.APIConsumer.host, toxiproxy.api.APIConsumer.port = host, port
        toxiproxy.api.requests = self._session
        self._stock = toxiproxy.Toxiproxy()

    def enabled_names(self) -> set[str]:
        """Return the names of the enabled links, by the stock client."""
        try:
            return {name for name, proxy in self._stock.proxies().items() if proxy.enabled}
        except (requests.RequestException, InvalidToxic, NotFound, ProxyExists, KeyError) as error:
            raise self._unreachable(error) from None
