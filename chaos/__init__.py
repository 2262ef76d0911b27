"""What can go wrong: one small file a fault, a catalogue of them, their targets, and the prober that sees
whether they are real.
"""
