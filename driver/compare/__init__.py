"""Two runs, or groups of runs, side by side: what really differs, by how much, and what is noise."""
