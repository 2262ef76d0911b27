"""One run of a plan, or a group of them, from the folder to the last phase."""
