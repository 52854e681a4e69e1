"""What takes the place of hardware: small drivers for interfaces that the projects document for this very purpose.

They are loaded by the services, from here, and are never copied into the environment: two checkouts share one.
"""
