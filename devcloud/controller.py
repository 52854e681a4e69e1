"""The controller under development, run from this checkout against the development cloud."""

import signal
from collections.abc import Mapping

from devcloud.bootstrap import PYTHON
from devcloud.environment import CONTROLLER, Environment, clean_environment
from devcloud.failures import DevCloudError
from devcloud.paths import ROOT
from devcloud.patience import PATIENCE
from devcloud.processes import Process, send
from devcloud.progress import Say, say
from devcloud.readiness import answers_at, wait_until_ready

COMMAND = (PYTHON, "-m", "govcloud", "controller", "--dev-clock")


def start(environment: Environment, settings: Mapping[str, str] | None = None, say: Say = say) -> Process:
    """Start the controller unless it runs, and wait until it is healthy.

    `settings` are further environment variables for it. Raises `DevCloudError` with the end of its log.
    """
    process = environment.processes.running(CONTROLLER)
    if process is None:
        process = environment.processes.start(CONTROLLER, COMMAND, variables(environment) | dict(settings or {}), ROOT)
        say(f"started the controller (pid {process.pid}, {environment.health_url})")
    wait_until_ready(process, answers_at(environment.health_url), PATIENCE, say)
    return process


def stop(environment: Environment) -> bool:
    """End the controller and every program that it started; False when it did not run.

    It brings to an end what is under way, signs its log and publishes that: whoever cuts this short sees a crash, not an end.
    """
    return environment.processes.stop(CONTROLLER, PATIENCE)


def kill(environment: Environment, which: signal.Signals = signal.SIGKILL) -> None:
    """Send the controller itself a signal; what it started stays, as it would after a crash."""
    process = environment.processes.get(CONTROLLER)
    if process is None or not send(process, which):
        raise DevCloudError("the controller does not run, so there is nothing to send a signal to")
    if which is signal.SIGKILL:  # takes a moment; whoever starts it again right away must not find the dying one
        process.wait_until_ended(PATIENCE)


def pid(environment: Environment) -> int | None:
    """The process id of the running controller; None when it does not run."""
    process = environment.processes.running(CONTROLLER)
    return process.pid if process else None


def variables(environment: Environment) -> dict[str, str]:
    """The environment variables by which the controller finds its state, its cluster and its cloud."""
    return {
        **clean_environment(),
        **environment.variables(),
        "GOVCLOUD_STATE_DIR": str(environment.controller_state),
        "GOVCLOUD_HEALTH_PORT": str(environment.ports[CONTROLLER]),
        "GOVCLOUD_INSECURE_NOTIFICATIONS": "true",
        # Where it is deployed, one that lost its Lease because the machine was busy is started anew. Here nobody would do that.
        "GOVCLOUD_LEASE_SECONDS": f"{PATIENCE:.0f}",
        # A jump of the clock by months would have every request backed up at once. Whoever wants to see it starts the controller with some.
        "GOVCLOUD_BACKUP_WORKERS": "0",
        "KUBECONFIG": str(environment.kubeconfig_of(CONTROLLER)),
        "PULUMI_HOME": str(environment.controller_state / "pulumi-home"),
    }
