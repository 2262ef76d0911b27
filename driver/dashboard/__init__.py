"""Watching a lab while it lives, and a hand on its switch: one model for the page and for the terminal."""
