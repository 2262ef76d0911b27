"""Tries a foreign system: hurts one thing at a time, heals it, and compares with what was before.

`programme` lists the steps, `baseline` is the system at rest, `recovery` compares with it, `findings` makes
sentences of it: all pure. `conductor` runs the steps on a TrialSubject; `doors_subject` is one on real
containers. `learn_system` starts a system of which the ports are not known yet.
"""
