"""The faults, one small file each; chaos/catalogue.py finds them."""
