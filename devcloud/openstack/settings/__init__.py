"""The configuration files of all services, computed from paths and ports.

One module a project, each with `files(site) -> {path: sections}`. They compute; only `write` touches the disk.
Values that are the projects' own defaults are left out: what stands here was needed, and a comment says for what.
"""

from __future__ import annotations

from devcloud.openstack.settings import barbican, cinder, glance, keystone, neutron, nova, placement, swift, trove
from devcloud.openstack.settings.site import Site, render

PROJECTS = (keystone, placement, barbican, glance, nova, neutron, cinder, swift, trove)


def write(site: Site) -> None:
    """Writes every configuration file below the layout's conf directory."""
    for project in PROJECTS:
        for path, sections in project.files(site).items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(sections if isinstance(sections, str) else render(sections))
