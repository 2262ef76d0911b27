"""What the lab runs on: the seam, and Docker Compose behind it."""
