"""What commands do on the reference lab: they ask here where no system is named with --system.

Only a command imports one of these modules, and only those that it needs.
"""
