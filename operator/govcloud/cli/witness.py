"""`govcloud witness`: sign checkpoints of audit logs, in the auditor's domain. Only HTTP and the command; see `govcloud.audit.witness`."""

from __future__ import annotations

import logging
import re
import ssl
import sys
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from govcloud.audit.cosignatures import COSIGNATURE
from govcloud.audit.errors import AuditUnavailable, KeyUnknown
from govcloud.audit.notes import PublicKey
from govcloud.audit.signing_key import load_or_create_signer
from govcloud.audit.witness import Answer, Witness

log = logging.getLogger(__name__)

USAGE = 3
MOST_BYTES = 64 * 1024
_NEWEST = re.compile(r"/([0-9a-f]{64})/checkpoint")
_PATIENCE_SECONDS = 30


def run(
    state: Annotated[Path, typer.Option(help="Directory of its own: the witness's key, and what it has signed.")],
    log_key: Annotated[
        list[Path], typer.Option(help="File with the verifier key of a log (its public-key). May be given several times.")
    ],
    name: Annotated[str, typer.Option(help="Name of the witness, such as audit.jiujiang.gov.cn; asked for once, for its key.")] = "",
    listen: Annotated[str, typer.Option(help="Address and port.")] = "127.0.0.1:8444",
    certificate: Annotated[Path | None, typer.Option(help="PEM with certificate and private key: speak HTTPS.")] = None,
) -> None:
    """Witness audit logs: sign a checkpoint only if it continues the one that was signed before.

    Run it where those who run the controller cannot write. It never sees a record, only sizes and hashes. A log that is
    rolled back, rewritten or shown in two versions gets no signature, and what was signed here proves it.

    \b
    Example:
      govcloud witness --state /var/lib/witness --name audit.jiujiang.gov.cn --log-key govcloud.pub --listen 10.0.0.5:8444 --certificate tls.pem
      (prints its own verifier key; the controller is given it as GOVCLOUD_WITNESS_KEY, the address as GOVCLOUD_WITNESS_URL)

    A log that changed its signing key has several: give them all, the new one when its administrator names it to you.
    Speaks C2SP tlog-witness: POST /add-checkpoint; also GET /<SHA-256 of the origin>/checkpoint. Losing the state means
    signing anew from anywhere: back it up, never put an older copy back. Exit codes: 0 told to end, 3 wrong usage, 4 a key
    cannot be read.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(message)s", stream=sys.stderr)
    key_file = state / "witness.key"
    if not name and not key_file.exists():
        _end("a new witness needs a --name", USAGE)
    try:
        keys = [PublicKey.parse(path.read_text(encoding="utf-8")) for path in log_key]
        signer = load_or_create_signer(key_file, name, COSIGNATURE)
        server = serve(listen, Witness(state, signer, keys, lambda: datetime.now(UTC)), certificate)
    except (KeyUnknown, AuditUnavailable) as error:
        _end(error, 4)
    except (OSError, ValueError) as error:
        _end(error, USAGE)
    print(signer.public_key.text(), flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        log.info("told to end")


def serve(listen: str, witness: Witness, certificate: Path | None = None) -> ThreadingHTTPServer:
    """A server that is bound but does not answer yet. Raises `OSError`, `ValueError`."""
    host, _, port = listen.rpartition(":")
    server = ThreadingHTTPServer((host, int(port)), _handler(witness))
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    return server


def _handler(witness: Witness) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = _PATIENCE_SECONDS

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length") or ""
            if not length.isdecimal() or int(length) > MOST_BYTES:
                self.close_connection = True
                self._answer(Answer(413, f"a submission says its length, at most {MOST_BYTES} bytes\n"))
                return
            body = self.rfile.read(int(length))
            self._answer(_remembered(witness, body) if self.path == "/add-checkpoint" else _NOT_HERE)

        def do_GET(self) -> None:
            asked = _NEWEST.fullmatch(self.path)
            self._answer(witness.newest(asked[1]) if asked else _NOT_HERE)

        def _answer(self, answer: Answer) -> None:
            body = answer.body.encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            log.info("%s %s", self.address_string(), format % args)

    return Handler


_NOT_HERE = Answer(404, "there are POST /add-checkpoint and GET /<SHA-256 of the origin>/checkpoint\n")


def _remembered(witness: Witness, body: bytes) -> Answer:
    try:
        return witness.add_checkpoint(body)
    except (OSError, ValueError) as error:  # the disk failed, or what it held of this log is damaged
        log.error("nothing was signed, because of what is or was to be remembered: %s", error)  # noqa: TRY400
        return Answer(500, "nothing was signed: the memory of this witness is not as it should be\n")


def _end(why: object, code: int) -> NoReturn:
    typer.echo(f"govcloud witness: {why}", err=True)
    raise typer.Exit(code)
