"""`notifications.Notifier` over HTTP. Sends one POST and believes nobody: no redirect, no other scheme, no address of this machine, no endless answer."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from threading import Event, Timer
from urllib.parse import SplitResult, urlsplit

from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason

ASK_LATER = (408, 425, 429)


class HttpNotifier:
    """Posts to https URLs whose certificate the machine trusts ($SSL_CERT_FILE names others).

    Args:
        insecure: for development: http, and receivers on this machine, are allowed too.
        seconds: how long connecting, or one silence, may last.
        seconds_in_all: how long a whole attempt may last.
    """

    def __init__(self, *, insecure: bool = False, seconds: float = 5.0, seconds_in_all: float = 15.0) -> None:
        self._insecure = insecure
        self._seconds = seconds
        self._seconds_in_all = seconds_in_all
        self._tls = ssl.create_default_context()

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Send it; see `notifications.Notifier`."""
        parts = _parsed(url)
        if parts.scheme != "https" and not self._insecure:
            raise Stop(Reason.RECEIVER_REFUSED, f"notifications go to https URLs only; {parts.scheme}://{parts.netloc} is none")
        try:
            status = self._status_of_answer(parts, headers, body)
        except (OSError, http.client.HTTPException) as error:
            raise Retry(Reason.RECEIVER_UNREACHABLE, f"{parts.netloc} does not answer: {type(error).__name__}") from error
        if status in ASK_LATER or status >= 500:
            raise Retry(Reason.RECEIVER_UNREACHABLE, f"{parts.netloc} answers {status}")
        if not 200 <= status < 300:
            raise Stop(Reason.RECEIVER_REFUSED, f"{parts.netloc} answers {status}; only 2xx means that it was accepted, and redirects are not followed")

    def _status_of_answer(self, parts: SplitResult, headers: Mapping[str, str], body: bytes) -> int:
        connection = self._connection(parts)
        try:
            with _ended_after(self._seconds_in_all, lambda: connection.sock):
                connection.connect()
                self._refuse_own_addresses(connection, parts.netloc)
                connection.request("POST", parts.path or "/", body, {**headers, "User-Agent": "govcloud"})
                return connection.getresponse().status
        finally:
            connection.close()

    def _connection(self, parts: SplitResult) -> http.client.HTTPConnection:
        host = parts.hostname or ""
        if parts.scheme == "https":
            return http.client.HTTPSConnection(host, parts.port, timeout=self._seconds, context=self._tls)
        return http.client.HTTPConnection(host, parts.port, timeout=self._seconds)

    def _refuse_own_addresses(self, connection: http.client.HTTPConnection, name: str) -> None:
        """Looked at once connected: what a name resolves to can change between looking and connecting."""
        if self._insecure:
            return
        address = ip_address(connection.sock.getpeername()[0].partition("%")[0])
        if is_of_this_machine(address):
            raise Stop(Reason.RECEIVER_REFUSED, f"{name} is an address of this machine or of its own network link; receivers are elsewhere")


def _parsed(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and parts.port != 0  # asking for the port checks it
    except ValueError:
        is_whole = False
    if not is_whole:
        raise Stop(Reason.RECEIVER_REFUSED, f"{url} is not the URL of anybody")
    return parts


def is_of_this_machine(address: IPv4Address | IPv6Address) -> bool:
    """Loopback, and link-local, where clouds keep their metadata service. Private networks are where governments have theirs."""
    plain = getattr(address, "ipv4_mapped", None) or address
    return plain.is_loopback or plain.is_link_local or plain.is_multicast or plain.is_unspecified


@contextmanager
def _ended_after(seconds: float, sock: Callable[[], socket.socket | None]) -> Iterator[None]:
    """Cut the connection when the time is over: a timeout of the socket only counts one silence, and an answer can drip.

    Raises:
        TimeoutError: it was cut. Half an answer is none, even if it began well.
    """
    over = Event()

    def cut() -> None:
        over.set()
        found = sock()
        if found is not None and found.fileno() >= 0:
            with suppress(OSError):  # it is closed already
                found.shutdown(socket.SHUT_RDWR)

    timer = Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    if over.is_set():
        raise TimeoutError
