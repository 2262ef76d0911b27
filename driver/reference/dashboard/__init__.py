"""The live page of the reference system: its model, its state, and the actions on its lab."""
