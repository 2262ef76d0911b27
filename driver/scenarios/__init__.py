"""From a scenario's file to a plan in which every target and time is fixed."""
