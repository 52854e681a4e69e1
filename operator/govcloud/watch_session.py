"""The HTTP session that watches go over, and that tells when one of them was heard: kopf shows its handlers no bookmarks."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol, cast

import aiohttp

Heard = Callable[[str], None]
"""Called with the plural name of a kind."""


class Connection(Protocol):
    """How the API server is reached: `kopf.ConnectionInfo` is one."""

    @property
    def proxy_url(self) -> str | None: ...
    @property
    def trust_env(self) -> bool: ...
    def as_ssl_context(self) -> ssl.SSLContext: ...
    def as_http_headers(self) -> dict[str, str]: ...


def session_telling(connection: Connection, heard: Heard) -> aiohttp.ClientSession:
    """A session for a connection. To be made in the event loop that uses it.

    Args:
        heard: called when a watch of a kind is opened, and whenever something arrives on it.
    """

    async def listen(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        response = await handler(request)
        if request.url.query.get("watch") == "true" and response.status < 400:
            stream = _Listening(response.content, lambda: heard(request.url.name))
            response.content = cast(aiohttp.StreamReader, stream)
        return response

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=connection.as_ssl_context()),
        headers=connection.as_http_headers(),
        proxy=connection.proxy_url,
        trust_env=connection.trust_env,
        middlewares=(listen,),
    )


class _Listening:
    """A stream that tells when something arrives; everything else is the stream's own."""

    def __init__(self, stream: aiohttp.StreamReader, heard: Callable[[], None]) -> None:
        self._stream = stream
        self._heard = heard
        heard()

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        async for chunk in self._stream.iter_chunked(size):
            self._heard()
            yield chunk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
