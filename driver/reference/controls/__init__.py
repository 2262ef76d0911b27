"""Controls that change events of the reference system, one module each. Pure."""
