"""A whole fleet in one process, the server that it loses, and the peers that reconnect beside ours."""
