"""A real OpenStack control plane on one machine: README.md says what is real in it and what is not."""

from devcloud.openstack.cloud import OpenStack, Service

__all__ = ["OpenStack", "Service"]
