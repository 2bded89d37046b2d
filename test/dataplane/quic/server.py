"""An instance that speaks QUIC: says, sixteen octets at a time, who sends. As the README of src/registration tells an application to,
it puts what its router calls it into its connection IDs.

    server.py ADDRESS PORT QUIC-SERVER-ID CERTIFICATE KEY NAME
"""

import asyncio
import os
import sys

from aioquic.asyncio import QuicConnectionProtocol, serve
from aioquic.quic import connection
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import StreamDataReceived

ADDRESS, PORT, SERVER_ID, CERTIFICATE, KEY, NAME = sys.argv[1:]
# first octet (upper three bits 0), server id, four octets of our own
LENGTH = 1 + 8 + 4


def connection_id():
    return bytes([os.urandom(1)[0] & 0x1F]) + bytes.fromhex(SERVER_ID) + os.urandom(4)


class Chance:
    """aioquic draws its connection IDs with os.urandom, and nothing else of their length."""

    urandom = staticmethod(lambda count: connection_id() if count == LENGTH else os.urandom(count))

    def __getattr__(self, name):
        return getattr(os, name)


class Answers(QuicConnectionProtocol):
    def quic_event_received(self, event):
        if isinstance(event, StreamDataReceived) and event.end_stream:
            record = NAME.encode().ljust(16)
            self._quic.send_stream_data(event.stream_id, record * int(event.data), end_stream=True)


async def main():
    connection.os = Chance()
    configuration = QuicConfiguration(is_client=False, alpn_protocols=["who"], connection_id_length=LENGTH)
    configuration.load_cert_chain(CERTIFICATE, KEY)
    await serve(ADDRESS, int(PORT), configuration=configuration, create_protocol=Answers)
    print("ready", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
