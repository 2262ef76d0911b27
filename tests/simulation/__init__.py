"""The ledger and the session that ship, under a virtual clock, a simulated network and a simulated disk."""
