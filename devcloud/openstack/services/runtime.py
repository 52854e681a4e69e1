"""What every service process needs: its configuration, its way to answer HTTP, and a process fit for native threads."""

from __future__ import annotations

import importlib.abc
import socket
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from devcloud.openstack.layout import HOST, Layout
from devcloud.openstack.services.witness import Application, Witness
from devcloud.patience import PATIENCE


def say(message: str) -> None:
    """One line for the process's log."""
    print(f"{time.strftime('%H:%M:%S')} {message}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Runtime:
    """The development cloud, as one of its processes sees it."""

    layout: Layout

    @cached_property
    def ports(self) -> dict[str, int]:
        return self.layout.ports()

    def conf(self, name: str) -> str:
        return str(self.layout.conf / name)

    def witnessed(self, application: Application, service: str) -> Application:
        return Witness(application, service, self.layout.writes, self.layout.reads)

    def serve(self, application: Application, service: str, threads: int) -> None:
        """Answers HTTP for a service from now on, in threads of this process."""
        import waitress

        server = waitress.create_server(
            self.witnessed(application, service), host=HOST, port=self.ports[service], threads=threads,
            channel_timeout=300, connection_limit=500, max_request_body_size=1 << 40, ident=None,
            clear_untrusted_proxy_headers=False, asyncore_use_poll=True,
            # Large downloads: pieces of 1 MiB, kept in memory rather than in a temporary file.
            send_bytes=1 << 20, outbuf_high_watermark=1 << 20, outbuf_overflow=64 << 20, recv_bytes=1 << 18,
        )  # fmt: skip
        threading.Thread(target=server.run, name=f"http-{service}", daemon=True).start()
        say(f"{service} answers on port {self.ports[service]}")

    def wait_for(self, service: str, patience: float = PATIENCE) -> None:
        """Returns when a service accepts connections. Raises TimeoutError."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            try:
                socket.create_connection((HOST, self.ports[service]), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise TimeoutError(f"{service} does not answer after {patience:.0f} s")


def runtime_from_arguments() -> Runtime:
    """The cloud whose state directory is the program's only argument."""
    return Runtime(Layout(Path(sys.argv[1])))


class _NoEventlet(importlib.abc.MetaPathFinder):
    """While it is on, `import eventlet` fails.

    The libraries that all services share choose green threads if they can import eventlet, and never look again.
    Cinder and Neutron import it later, for parts that are not used here: by then it does no harm.
    """

    on = True

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if self.on and fullname.partition(".")[0] == "eventlet":
            raise ImportError("native threads: eventlet is hidden while the shared libraries load")
        return None


_no_eventlet = _NoEventlet()


def choose_native_threads() -> None:
    """To be called before any OpenStack library is imported."""
    sys.meta_path.insert(0, _no_eventlet)
    from oslo_service import backend

    backend.init_backend(backend.BackendType.THREADING)


def allow_eventlet() -> None:
    """For projects that import eventlet without need, after the shared libraries have made their choice."""
    _no_eventlet.on = False


def run_privileged_code_in_process() -> None:
    """Helpers that would be started through sudo run as plain functions: there is no sudo, and no hardware to touch."""
    from oslo_privsep import priv_context

    context: Any = priv_context.PrivContext
    initialise = context.__init__

    def in_process(self: Any, *args: Any, **options: Any) -> None:
        initialise(self, *args, **options)
        self.client_mode = False

    context.client_mode = False
    context.__init__ = in_process


def wake_up_instead_of_polling() -> None:
    """oslo.messaging's in-process transport looks for messages every 50 ms; here a message wakes its readers up."""
    from oslo_messaging._drivers import base, impl_fake

    arrived = threading.Condition()
    deliver = impl_fake.FakeExchange.deliver_message

    def deliver_and_wake(self: Any, *args: Any, **options: Any) -> None:
        deliver(self, *args, **options)
        with arrived:
            arrived.notify_all()

    def next_message(listener: Any) -> Any:
        for target in listener._targets:
            exchange = listener._exchange_manager.get_exchange(target.exchange)
            context, message, reply, requeue = exchange.poll(target, listener._pool)
            if message is not None:
                return impl_fake.FakeIncomingMessage(context, message, reply, requeue)
        return None

    def poll(self: Any, timeout: float | None = None) -> Any:
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._stopped.is_set():
            with arrived:
                message = next_message(self)
                # A listener is stopped without a message: look up once a second.
                pause = 1.0 if deadline is None else min(1.0, deadline - time.monotonic())
                if message is not None or pause <= 0:
                    return message
                arrived.wait(pause)
        return None

    impl_fake.FakeExchange.deliver_message = deliver_and_wake
    impl_fake.FakeListener.poll = base.batch_poll_helper(poll)
