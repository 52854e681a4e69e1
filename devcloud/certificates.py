"""The certificates of a development cloud's Kubernetes: one authority, and what it signs. No openssl needed.

They are as long-lived as the state directory; whoever can read it is the administrator of that cloud anyway.
"""

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from devcloud.paths import write_atomically

LIFETIME = datetime.timedelta(days=3650)
# A clock that is set back a little must not make a fresh certificate "not yet valid".
BACKDATED = datetime.timedelta(hours=1)
SIGNING_KEY_BITS = 2048


@dataclass(frozen=True)
class KeyPair:
    """The files of one private key and its certificate (PEM)."""

    certificate: Path
    key: Path

    @classmethod
    def at(cls, directory: Path, name: str) -> "KeyPair":
        """Where the pair of that name lies."""
        return cls(directory / f"{name}.crt", directory / f"{name}.key")

    @property
    def exists(self) -> bool:
        """Whether both files are there."""
        return self.certificate.exists() and self.key.exists()


class Authority:
    """A certificate authority in a folder: makes what is missing, keeps what is there."""

    def __init__(self, directory: Path, name: str = "ca") -> None:
        self._directory = directory
        self.files = KeyPair.at(directory, name)
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.files.exists:
            self._make_itself(name)
        self._certificate = x509.load_pem_x509_certificate(self.files.certificate.read_bytes())
        self._key = _load_key(self.files.key)

    def for_server(self, name: str, hosts: Sequence[str]) -> KeyPair:
        """A certificate for a server that answers under these names and addresses."""
        alternatives = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        # etcd's server also calls itself, as a client.
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        return self._issue(name, _subject(name), usages, alternatives)

    def for_client(self, name: str, user: str, groups: Sequence[str] = ()) -> KeyPair:
        """A certificate by which Kubernetes knows its holder as `user`, a member of `groups`."""
        return self._issue(name, _subject(user, groups), [ExtendedKeyUsageOID.CLIENT_AUTH])

    def _make_itself(self, name: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _subject(f"govcloud development {name}")
        builder = (
            _builder(subject, subject, key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
        )
        _write(self.files, builder.sign(key, hashes.SHA256()), key)

    def _issue(
        self,
        name: str,
        subject: x509.Name,
        usages: list[x509.ObjectIdentifier],
        alternatives: x509.SubjectAlternativeName | None = None,
    ) -> KeyPair:
        files = KeyPair.at(self._directory, name)
        if files.exists:
            return files
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            _builder(subject, self._certificate.subject, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        )
        if alternatives is not None:
            builder = builder.add_extension(alternatives, critical=False)
        _write(files, builder.sign(self._key, hashes.SHA256()), key)
        return files


def token_signing_key(path: Path) -> Path:
    """The key that signs service account tokens (RSA, PEM), made when it is missing."""
    if not path.exists():
        key = rsa.generate_private_key(public_exponent=65537, key_size=SIGNING_KEY_BITS)
        write_atomically(path, _pem(key), mode=0o600)
    return path


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + LIFETIME)
    )


def _subject(user: str, groups: Sequence[str] = ()) -> x509.Name:
    organisations = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    return x509.Name([*organisations, x509.NameAttribute(NameOID.COMMON_NAME, user)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, key_cert_sign=signs_certificates, crl_sign=signs_certificates,
        key_encipherment=False, content_commitment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _write(files: KeyPair, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    # The key first: a pair whose certificate is there is complete.
    write_atomically(files.key, _pem(key), mode=0o600)
    write_atomically(files.certificate, certificate.public_bytes(serialization.Encoding.PEM))


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _load_key(path: Path) -> CertificateIssuerPrivateKeyTypes:
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey), f"{path} does not hold the kind of key that was written to it"
    return key
