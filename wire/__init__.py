"""The protocol between coordinator and workers: messages, frames, handshake, control API, journal events, and
their limits. It imports no other package of this repository, and no sockets, disks or clocks. Begin with
messages.py (what travels), then channel.py (order, replay, credit), codec.py (bytes) and handshake.py (the
upgrade).
"""
