"""Docker on many hosts: one lab whose clients run on several Docker engines, over an overlay network of their
swarm.

Begin with `hosts_engine`. `docs/many-hosts.md` says what it proves and what it does not.
"""

ENGINE_NAME = "hosts"
