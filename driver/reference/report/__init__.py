"""What a report shows of the reference system: lanes of workers, curves and tables of tasks. Pure."""
