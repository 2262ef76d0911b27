"""What scenarios of the reference system have of their own: keys, hosts, live signals, probing."""
