"""The HTTP notifier against real servers: what counts as accepted, and what it refuses to do."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address

import pytest
from notifications.serving import Quiet, served
from provider.provider_kit import unused_port

from govcloud.adapters.http_notifier import HttpNotifier, is_of_this_machine
from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason

HEADERS = {"Content-Type": "application/cloudevents+json", "webhook-id": "e-1"}
BODY = '{"phase":"Trial","office":"九江市"}'.encode()


class Receiver:
    """What a server was asked, and what it answers."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 204
        self.headers: dict[str, str] = {}
        self.url = ""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()

    class Handler(Quiet):
        def do_POST(self) -> None:  # noqa: N802 - name of the protocol
            made.asked.append((self.path, *self.heard()))
            self.send_response(made.status)
            for name, value in made.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def do_GET(self) -> None:  # noqa: N802 - name of the protocol
            made.asked.append(("GET " + self.path, {}, b""))

    with served(Handler) as made.url:
        yield made


@contextmanager
def listening(speak: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that does with a connection what it is told to."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            connection, _ = server.accept()
            with connection:
                speak(connection)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/events"
        thread.join(5)


def here(**settings: float) -> HttpNotifier:
    return HttpNotifier(insecure=True, **settings)


def test_the_exact_bytes_and_headers_arrive(receiver: Receiver) -> None:
    here().post(receiver.url, HEADERS, BODY)
    (path, headers, body), *others = receiver.asked

    assert (path, body, others) == ("/events", BODY, [])
    assert headers["content-type"] == "application/cloudevents+json" and headers["webhook-id"] == "e-1"


@pytest.mark.parametrize("status", [200, 202, 204])
def test_every_2xx_is_accepted(receiver: Receiver, status: int) -> None:
    receiver.status = status
    here().post(receiver.url, HEADERS, BODY)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_what_may_pass_is_tried_again(receiver: Receiver, status: int) -> None:
    receiver.status = status
    with pytest.raises(Retry, match=str(status)):
        here().post(receiver.url, HEADERS, BODY)
    assert len(receiver.asked) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 410])
def test_a_refusal_is_one(receiver: Receiver, status: int) -> None:
    receiver.status = status
    with pytest.raises(Stop, match=str(status)):
        here().post(receiver.url, HEADERS, BODY)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(receiver: Receiver, status: int) -> None:
    receiver.status, receiver.headers = status, {"Location": receiver.url + "/elsewhere"}
    with pytest.raises(Stop, match="redirects are not followed"):
        here().post(receiver.url, HEADERS, BODY)
    assert [path for path, _, _ in receiver.asked] == ["/events"]


def test_only_https_in_production(receiver: Receiver) -> None:
    with pytest.raises(Stop, match="https URLs only") as refused:
        HttpNotifier().post(receiver.url, HEADERS, BODY)
    assert refused.value.reason is Reason.RECEIVER_REFUSED
    assert receiver.asked == []


def test_a_certificate_that_nobody_trusts_is_not_talked_to(receiver: Receiver) -> None:
    with pytest.raises(Retry, match="SSL"):
        HttpNotifier().post(receiver.url.replace("http:", "https:"), HEADERS, BODY)
    assert receiver.asked == []


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "169.254.169.254", "fe80::1", "::ffff:127.0.0.1", "::", "224.0.0.1"])
def test_addresses_of_this_machine_are_known(address: str) -> None:
    assert is_of_this_machine(ip_address(address))
    assert not is_of_this_machine(ip_address("10.20.0.7"))


@pytest.mark.parametrize("url", ["https://[", "https://host:99999/", "https:///events", "https://host:0/"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(Stop, match="not the URL of anybody"):
        HttpNotifier().post(url, HEADERS, BODY)


def test_a_server_that_says_nothing_is_given_up() -> None:
    with listening(lambda connection: time.sleep(0.5)) as url, pytest.raises(Retry):
        here(seconds=0.2).post(url, HEADERS, BODY)


def test_an_answer_that_drips_is_cut_off() -> None:
    """Each drop comes in time; all of them together do not."""

    def drip(connection: socket.socket) -> None:
        try:
            for letter in b"HTTP/1.1 200 OK\r\nX-Endless: " + b"x" * 10_000:
                connection.sendall(bytes([letter]))
                time.sleep(0.02)
        except OSError:
            return

    began = time.monotonic()
    with listening(drip) as url, pytest.raises(Retry):
        here(seconds=1.0, seconds_in_all=0.3).post(url, HEADERS, BODY)
    assert time.monotonic() - began < 100, "not after the last drop, which falls after 200 s"


def test_a_connection_that_is_closed_or_talks_nonsense_is_no_answer() -> None:
    for speak in (lambda connection: None, lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9\r\n")):
        with listening(speak) as url, pytest.raises(Retry):
            here().post(url, HEADERS, BODY)


def test_nobody_listens() -> None:
    with pytest.raises(Retry, match="does not answer"):
        here().post(f"http://127.0.0.1:{unused_port()}/", HEADERS, BODY)


def test_a_failure_says_nothing_of_what_the_other_side_said(receiver: Receiver) -> None:
    receiver.status, receiver.headers = 500, {"X-Secret": "what the metadata service would have said"}
    with pytest.raises(Retry) as told:
        here().post(receiver.url, HEADERS, BODY)
    assert "metadata" not in told.value.message
