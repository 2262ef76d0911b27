"""The reference lab: what starts it and waits for it, its links, its prober, and faults in it by hand.

`links` alone imports the stock client of Toxiproxy. Begin with `lab` (its clients), then `lifecycle`.
"""
