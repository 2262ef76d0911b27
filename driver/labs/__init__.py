"""Labs: starting one, injecting faults into it, healing it, loading it, and taking it down.

Imports `driver.engines`, `driver.scenarios`, `driver.judging`, `driver.metrics`, `driver.histories`, `chaos`
and `wire`. `links` alone imports the Toxiproxy client.
Begin with `lab` (the clients of one lab), `lifecycle` (its begin and end), then `fault_runner` and `heal`.
"""
