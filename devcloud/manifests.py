"""What is installed in the development cluster: the project's own manifests, applied as a deployment would.

In this order: the resource definitions (`crds/`), what guards them (`deploy/`), the roles of the development users
(`devcloud/personas/`). Left out is `deploy/workload/`: the controller runs from this checkout, and there are no nodes.
"""

from pathlib import Path

from devcloud.certificates import Authority
from devcloud.environment import CONTROLLER, Environment
from devcloud.kubectl import Kubectl
from devcloud.paths import ROOT
from devcloud.patience import PATIENCE
from devcloud.progress import Say, waiting
from devcloud.users import write_token_kubeconfig

NAMESPACE = "govcloud-system"
SERVICE_ACCOUNT = "govcloud-controller"
TOKEN_LIFETIME = "8760h"

CRDS = ROOT / "crds"
DEPLOY = ROOT / "deploy"
WORKLOAD = DEPLOY / "workload"
PERSONAS = ROOT / "devcloud" / "personas"


def install(environment: Environment, say: Say) -> None:
    """Apply everything as the administrator; wait until the API server serves the new kinds."""
    kubectl = Kubectl.as_administrator(environment)
    with waiting("installing resource definitions, policies and roles", say):
        applied = kubectl.apply(*manifests_in(CRDS))
        kubectl.do("wait", "--for=condition=Established", f"--timeout={PATIENCE:.0f}s", "--recursive", "-f", CRDS)
        applied += kubectl.apply(*(path for path in manifests_in(DEPLOY) if WORKLOAD not in path.parents))
        applied += kubectl.apply(*manifests_in(PERSONAS))
    say(f"installed {len(applied)} objects from crds/, deploy/ and devcloud/personas/")


def manifests_in(folder: Path) -> list[Path]:
    """The Kubernetes manifests in a folder and all below it, in a fixed order."""
    return sorted(path for path in folder.rglob("*.yaml"))


def write_controller_login(environment: Environment, authority: Authority) -> None:
    """A fresh token of the controller's service account, so that it works under the identity it has when deployed."""
    kubectl = Kubectl.as_administrator(environment)
    token = kubectl.do("create", "token", SERVICE_ACCOUNT, "--namespace", NAMESPACE, "--duration", TOKEN_LIFETIME)
    path = environment.kubeconfig_of(CONTROLLER)
    write_token_kubeconfig(environment, authority, path, SERVICE_ACCOUNT, token)
