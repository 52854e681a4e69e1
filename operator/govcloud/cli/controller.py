"""`govcloud controller`: run the controller until it is told to end."""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated

import typer
from pydantic import ValidationError

from govcloud.audit.errors import AuditUnavailable, KeyUnknown
from govcloud.core.log_retention import retention_fault
from govcloud.settings import Settings, UnknownSetting
from policies.shelf import PackFault, with_more

USAGE = 3


def run(
    dev_clock: Annotated[
        bool, typer.Option("--dev-clock", help="Let `govcloud dev clock advance` move time. For development clouds only; each jump is audited.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")] = False,
) -> None:
    """Run the controller.

    Settings come from the environment: GOVCLOUD_STATE_DIR (required: audit log, Pulumi state, master key), GOVCLOUD_CLOUD (entry of
    clouds.yaml), GOVCLOUD_NAMESPACE, GOVCLOUD_HEALTH_PORT, GOVCLOUD_WORKERS, GOVCLOUD_RESYNC_SECONDS, GOVCLOUD_PULUMI,
    GOVCLOUD_PACKS_DIR (a folder with further regulation packs), GOVCLOUD_AUDIT_RETENTION_DAYS, GOVCLOUD_AUDIT_SEAL_SECONDS,
    GOVCLOUD_AUDIT_COPIES_PROJECT, GOVCLOUD_AUDIT_COPIES_CONTAINER, or GOVCLOUD_AUDIT_COPIES (s3://BUCKET?endpoint=…) with
    GOVCLOUD_AUDIT_COPIES_CREDENTIALS, GOVCLOUD_AUDIT_SM3, GOVCLOUD_WITNESS_URL, GOVCLOUD_WITNESS_KEY;
    the cluster from KUBECONFIG or the pod's service account; the cloud from
    OS_CLIENT_CONFIG_FILE. Ends with 0 after SIGTERM, 1 after a fault (the log says which), 3 when the settings are wrong.
    """
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s", stream=sys.stderr
    )
    for noisy in ("kopf", "keystoneauth", "urllib3", "openstack", "kubernetes", "asyncio", "stevedore", "botocore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        settings = Settings.from_environment({**os.environ, "GOVCLOUD_DEV_CLOCK": str(dev_clock)})
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            named = f"GOVCLOUD_{'_'.join(map(str, fault['loc'])).upper()}: " if fault["loc"] else ""
            typer.echo(f"{named}{fault['msg']}", err=True)
        raise typer.Exit(USAGE) from None
    except UnknownSetting as error:
        typer.echo(error, err=True)
        raise typer.Exit(USAGE) from None
    try:
        packs = with_more(settings.packs_dir)
    except PackFault as error:
        typer.echo(f"GOVCLOUD_PACKS_DIR: {error}", err=True)
        raise typer.Exit(USAGE) from None
    if too_short := retention_fault(settings.audit_retention_days, packs.packs.values()):
        typer.echo(f"GOVCLOUD_AUDIT_RETENTION_DAYS: {too_short}", err=True)
        raise typer.Exit(USAGE)
    from govcloud.adapters.status_book import StatusBookUnusable
    from govcloud.process import run_controller  # loads kopf, Pulumi and OpenStack: not for the other commands

    try:
        code = run_controller(settings)
    except (AuditUnavailable, KeyUnknown) as error:
        typer.echo(f"the controller cannot run without its audit log: {error}", err=True)
        code = 1
    except StatusBookUnusable as error:
        typer.echo(str(error), err=True)
        code = 1
    raise typer.Exit(code)
