"""How long to wait for what another process does. One bound for everything: a wait ends as soon as the thing is seen, so a long one costs nothing
where all is well, and a short one fails where a machine is only busy. A shorter one stands only where being quick is what is tested.
"""

PATIENCE = 300.0
"""Seconds."""
