"""Watches every link from the workers' side, on connections of its own, so that a fault can be proved."""
