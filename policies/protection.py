"""What a system's level of classified protection 等级保护 asks of its services (XH-C 17; ZY 27; SD 3.6).

The regulations name the levels and leave the demands to the national standard. A pack that says nothing has the project's own reading
of GB/T 22239-2019, whose clauses stand in the reasons; a pack may set its own.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from policies.sources import Days, PackModel, Source, Strength

Level = Annotated[int, Field(ge=1, le=4)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Demand(PackModel):
    """Something that is asked for from a level on."""

    from_level: Level
    source: Source
    strength: Strength = "hard"


class OpenPorts(Demand):
    """Which ports may be open to everybody."""

    everybody: Annotated[int, Field(ge=0, le=31)] = Field(
        description="an IPv4 range with a shorter prefix counts as everybody; for IPv6 four times as many bits"
    )
    never: tuple[Port, ...] = Field(description="ports over which machines are managed: never open to everybody")


class BackupFrequency(PackModel):
    """How often data is to be backed up from a level on."""

    from_level: Level
    every: Days
    kept: Days = Field(description="calendar days that such a backup is kept at least; the newest verified one is kept as long as the service lives")


class Protection(PackModel):
    """The demands of all levels."""

    encrypted_volumes: Demand
    own_network: Demand = Field(description="no network that other systems share")
    open_ports: OpenPorts = Field(description="nothing open to everybody but single ports that were asked for")
    proven_backups: tuple[Demand, ...] = Field(description="nothing that holds data without a backup that can be proven; by level, lowest first")
    backups: tuple[BackupFrequency, ...] = Field(description="by level, lowest first")

    def backups_at(self, level: int) -> BackupFrequency | None:
        """How often a system of this level is to be backed up, and how long that is kept; None where nothing is asked for."""
        asked = [backup for backup in self.backups if backup.from_level <= level]
        return asked[-1] if asked else None


def _reading(why: str) -> Source:
    return Source(kind="projectDefault", why=why)


PROJECT_DEFAULT = Protection(
    encrypted_volumes=Demand(
        from_level=3,
        source=_reading("GB/T 22239-2019 8.1.4.8 b: data is kept confidential in storage by cryptography, from level 3 on"),
    ),
    own_network=Demand(
        from_level=2,
        source=_reading("GB/T 22239-2019 7.1.2.1: network areas are divided and isolated, from level 2 on; an area is a system"),
    ),
    open_ports=OpenPorts(
        from_level=2,
        everybody=8,
        never=(22, 23, 3389, 5900, 5985, 5986),
        source=_reading("GB/T 22239-2019 7.1.3.2, 7.1.4.4 c: all but what is needed is refused; who manages comes from named ranges"),
    ),
    proven_backups=(
        Demand(
            from_level=2,
            strength="inPrinciple",
            source=_reading("GB/T 22239-2019 7.1.4.8 asks for backup and recovery of important data; whether a share holds such, who approves it says"),
        ),
        Demand(
            from_level=3,
            source=_reading("GB/T 22239-2019 8.1.4.9 asks for backup and recovery, and for backups at another place as data arises"),
        ),
    ),
    backups=(
        BackupFrequency(
            from_level=2,
            every=Days(value=7, source=_reading("GB/T 22239-2019 7.1.4.8 asks for regular backups and names no interval")),
            kept=Days(value=35, source=_reading("no clause says how long: five sets, so that what is noticed after a month can be undone")),
        ),
        BackupFrequency(
            from_level=3,
            every=Days(value=1, source=_reading("GB/T 22239-2019 8.1.4.9 asks for backups at another place as data arises")),
            kept=Days(value=35, source=_reading("no clause says how long: as at level 2, what is noticed after a month can be undone")),
        ),
    ),
)
