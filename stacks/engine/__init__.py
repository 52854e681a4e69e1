"""The Pulumi engine, driven with our programs. `runner.py` is what others use; importing this package imports nothing heavy.

`commands.py` starts the CLI, `registration.py` hands a program to it, `events.py` reads what it did, `state.py` reads and repairs what it
remembers, `leftovers.py` finds what an interrupted run left behind. Nothing here knows requests, units, approvals or the cluster.
"""
