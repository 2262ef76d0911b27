"""How connections to NATS are made: as the library does by itself, unless the environment says otherwise."""

import os

CONNECT_OPTIONS = {}
if "PING_INTERVAL_S" in os.environ:
    CONNECT_OPTIONS = {"ping_interval": int(os.environ["PING_INTERVAL_S"]), "max_outstanding_pings": 2}
