"""The shipped ledger and session under a virtual clock, with a simulated network and a simulated disk."""
