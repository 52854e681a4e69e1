"""etcd, kube-apiserver and kube-controller-manager: how they are started and stopped. Not what is installed in them."""

from pathlib import Path

from devcloud.certificates import Authority, KeyPair, token_signing_key
from devcloud.environment import API_SERVER, CONTROLLER_MANAGER, ETCD, ETCD_PEERS, Environment, clean_environment
from devcloud.paths import ROOT
from devcloud.patience import PATIENCE
from devcloud.ports import LOOPBACK
from devcloud.processes import Process
from devcloud.progress import Say
from devcloud.readiness import answers_at, wait_until_ready
from devcloud.users import ADMINISTRATOR, ADMINISTRATORS, write_component_kubeconfig, write_kubeconfigs

AUDIT_POLICY = ROOT / "devcloud" / "audit-policy.yaml"
SERVICE_ADDRESSES = "10.0.0.0/24"
# The first of these addresses is that of the service `kubernetes`, under which pods would find the API server.
HOSTS = (LOOPBACK, "localhost", "kubernetes.default.svc", "10.0.0.1")

# There are no nodes and no pods here, so of its forty controllers only those run whose work can be seen.
CONTROLLERS = (
    "namespace-controller",
    "garbage-collector-controller",
    "serviceaccount-controller",
    "root-ca-certificate-publisher-controller",
    "resourcequota-controller",
    "clusterrole-aggregation-controller",
    "validatingadmissionpolicy-status-controller",
)

# In this order they are stopped.
SERVERS = (CONTROLLER_MANAGER, API_SERVER, ETCD)


class Kubernetes:
    """The control plane of one development cloud."""

    def __init__(self, environment: Environment, say: Say) -> None:
        self._environment = environment
        self._say = say
        self._etcd_authority = Authority(environment.certificates, "etcd-ca")
        self.authority = Authority(environment.certificates)

    def up(self) -> None:
        """Start what does not run yet, and wait until all of it works. Writes the kubeconfigs."""
        write_kubeconfigs(self._environment, self.authority)
        self._start_etcd()
        self._start_api_server()
        self._start_controller_manager()

    def _start_etcd(self) -> None:
        server = self._etcd_authority.for_server("etcd", HOSTS)
        process = self._running(ETCD) or self._start(ETCD, self._etcd_flags(server))
        answers = answers_at(f"{self._environment.url(ETCD)}/readyz", self._etcd_authority.files.certificate, server)
        wait_until_ready(process, answers, PATIENCE, self._say)

    def _start_api_server(self) -> None:
        process = self._running(API_SERVER) or self._start(API_SERVER, self._api_server_flags())
        administrator = self.authority.for_client(ADMINISTRATOR, ADMINISTRATOR, [ADMINISTRATORS])
        address = f"{self._environment.url(API_SERVER)}/readyz?verbose"
        answers = answers_at(address, self.authority.files.certificate, administrator)
        wait_until_ready(process, answers, PATIENCE, self._say)

    def _start_controller_manager(self) -> None:
        process = self._running(CONTROLLER_MANAGER)
        process = process or self._start(CONTROLLER_MANAGER, self._controller_manager_flags())
        address = f"{self._environment.url(CONTROLLER_MANAGER)}/healthz"
        wait_until_ready(process, answers_at(address, self.authority.files.certificate), PATIENCE, self._say)

    def _running(self, name: str) -> Process | None:
        return self._environment.processes.running(name)

    def _start(self, name: str, flags: dict[str, str | Path]) -> Process:
        command: list[str | Path] = [self._environment.program(name)]
        command += [f"--{flag}={value}" for flag, value in flags.items()]
        process = self._environment.processes.start(name, command, clean_environment(), self._environment.kubernetes)
        self._say(f"started {name} (pid {process.pid}, {self._environment.url(name)})")
        return process

    def _etcd_flags(self, server: KeyPair) -> dict[str, str | Path]:
        clients, peers = self._environment.url(ETCD), self._environment.url(ETCD_PEERS)
        authority = self._etcd_authority.files.certificate
        return {
            "name": "dev",
            "data-dir": self._environment.kubernetes / "etcd",
            "listen-client-urls": clients,
            "advertise-client-urls": clients,
            "listen-peer-urls": peers,
            "initial-advertise-peer-urls": peers,
            "initial-cluster": f"dev={peers}",
            # Other users of this machine reach loopback as well: only who holds a certificate may read the database.
            "cert-file": server.certificate,
            "key-file": server.key,
            "trusted-ca-file": authority,
            "client-cert-auth": "true",
            "peer-cert-file": server.certificate,
            "peer-key-file": server.key,
            "peer-trusted-ca-file": authority,
            "peer-client-cert-auth": "true",
            # Development only: after a power cut the data may be damaged, and `make reset` makes a fresh one.
            "unsafe-no-fsync": "true",
            "log-level": "warn",
        }

    def _api_server_flags(self) -> dict[str, str | Path]:
        certificates = self._environment.certificates
        server = self.authority.for_server("kube-apiserver", HOSTS)
        to_etcd = self._etcd_authority.for_client("kube-apiserver-etcd-client", "kube-apiserver")
        signing_key = token_signing_key(certificates / "service-accounts.key")
        return {
            "bind-address": LOOPBACK,
            "advertise-address": LOOPBACK,
            "secure-port": str(self._environment.ports[API_SERVER]),
            # There is no pod that would need to find this server by way of the service `kubernetes`.
            "endpoint-reconciler-type": "none",
            "etcd-servers": self._environment.url(ETCD),
            "etcd-cafile": self._etcd_authority.files.certificate,
            "etcd-certfile": to_etcd.certificate,
            "etcd-keyfile": to_etcd.key,
            "tls-cert-file": server.certificate,
            "tls-private-key-file": server.key,
            "client-ca-file": self.authority.files.certificate,
            "anonymous-auth": "false",
            "authorization-mode": "RBAC",
            "service-cluster-ip-range": SERVICE_ADDRESSES,
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": signing_key,
            "service-account-signing-key-file": signing_key,
            "audit-policy-file": AUDIT_POLICY,
            "audit-log-path": self._environment.kubernetes_audit_log,
            # A request that cannot be written down is refused.
            "audit-log-mode": "blocking-strict",
            "audit-log-maxsize": "100",
            "audit-log-maxbackup": "10",
            "profiling": "false",
        }

    def _controller_manager_flags(self) -> dict[str, str | Path]:
        server = self.authority.for_server("kube-controller-manager", HOSTS)
        login = write_component_kubeconfig(
            self._environment,
            self.authority,
            self._environment.kubernetes / "controller-manager.kubeconfig",
            "system:kube-controller-manager",
        )
        return {
            "kubeconfig": login,
            "bind-address": LOOPBACK,
            "secure-port": str(self._environment.ports[CONTROLLER_MANAGER]),
            "tls-cert-file": server.certificate,
            "tls-private-key-file": server.key,
            "root-ca-file": self.authority.files.certificate,
            "controllers": ",".join(CONTROLLERS),
            # Each of its controllers logs in as itself, with just the rights it needs, as on a real cluster.
            "use-service-account-credentials": "true",
            # There is only one of it.
            "leader-elect": "false",
            "profiling": "false",
        }


def stop(environment: Environment, say: Say) -> None:
    """End the control plane, the API server before its database."""
    for name in SERVERS:
        if environment.processes.stop(name):
            say(f"stopped {name}")
