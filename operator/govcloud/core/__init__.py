"""Decisions. Pure functions over frozen values: no clock, no cloud, no cluster, no disk."""
