"""Certificates say who somebody is in the way Kubernetes reads it, and are made once."""

import ipaddress
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from devcloud.certificates import Authority, KeyPair, token_signing_key


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "certificates")


def read(files: KeyPair) -> x509.Certificate:
    return x509.load_pem_x509_certificate(files.certificate.read_bytes())


def names(certificate: x509.Certificate, which: x509.ObjectIdentifier) -> list[str]:
    return [str(attribute.value) for attribute in certificate.subject.get_attributes_for_oid(which)]


def test_a_clients_user_is_the_common_name_and_its_groups_are_the_organisations(authority: Authority) -> None:
    certificate = read(authority.for_client("x", "applicant", ["govcloud:applicant", "other"]))
    assert names(certificate, NameOID.COMMON_NAME) == ["applicant"]
    assert names(certificate, NameOID.ORGANIZATION_NAME) == ["govcloud:applicant", "other"]


def test_a_client_certificate_is_signed_by_the_authority_and_is_good_for_nothing_but_a_client(
    authority: Authority,
) -> None:
    certificate = read(authority.for_client("x", "applicant"))
    certificate.verify_directly_issued_by(read(authority.files))
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_a_server_answers_under_names_and_addresses(authority: Authority) -> None:
    certificate = read(authority.for_server("server", ["127.0.0.1", "localhost"]))
    alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert alternatives.get_values_for_type(x509.DNSName) == ["localhost"]
    assert alternatives.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("127.0.0.1")]


def test_what_was_made_is_kept(tmp_path: Path, authority: Authority) -> None:
    first = authority.for_client("x", "applicant").certificate.read_bytes()
    again = Authority(tmp_path / "certificates")
    assert again.for_client("x", "applicant").certificate.read_bytes() == first
    assert read(again.files) == read(authority.files)


def test_the_signing_key_of_tokens_is_kept(tmp_path: Path) -> None:
    first = token_signing_key(tmp_path / "key").read_bytes()
    assert token_signing_key(tmp_path / "key").read_bytes() == first


def test_nobody_else_may_read_the_keys(tmp_path: Path, authority: Authority) -> None:
    keys = [authority.files.key, authority.for_client("x", "applicant").key, token_signing_key(tmp_path / "key")]
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}
