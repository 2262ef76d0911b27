"""What happened, read from the journals: typed events, and what follows from them."""
