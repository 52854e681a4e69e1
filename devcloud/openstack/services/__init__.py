"""The programs that run inside the OpenStack environment: one module for each process of the cloud.

They are started with `python -m` and the state directory as their argument, and import OpenStack's packages;
nothing outside of this package and of drivers/ may.
"""
