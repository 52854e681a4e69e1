"""The development cloud: a real Kubernetes API server, a real OpenStack and the controller, on loopback.

Nothing here is part of what is installed in production; the controller never imports it.
"""
