"""Failures that a system had once, each as a test that it does not come back."""
