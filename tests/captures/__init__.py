"""Packet captures beside a run: whether receipts are true. Shares no code with the prober or the rules."""
