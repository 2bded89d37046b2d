"""A client of QUIC that moves. Each line of its standard input is a command, answered by a line of JSON:

    connect ADDRESS PORT SOURCE     another connection, from that address and a port of its own
    fetch RECORDS                   a transfer: who served it, or why it was lost
    fetch RECORDS SOURCE            the same; in the middle of it the client goes on from another address and port

    client.py CERTIFICATE
"""

import asyncio
import json
import socket
import sys

from aioquic.asyncio import QuicConnectionProtocol
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ConnectionTerminated, StreamDataReceived

# Nothing comes for so long: the transfer is lost. Four probes of a peer that is there fit in.
SILENCE = 3.0


class Client(QuicConnectionProtocol):
    def __init__(self, quic):
        super().__init__(quic)
        self.events = asyncio.Queue()

    def quic_event_received(self, event):
        if isinstance(event, (StreamDataReceived, ConnectionTerminated)):
            self.events.put_nowait(event)

    def error_received(self, cause):
        pass  # of a socket that was left


def socket_at(source):
    made = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    made.bind((source, 0))
    return made


async def connect(certificate, address, port, source):
    configuration = QuicConfiguration(is_client=True, alpn_protocols=["who"], server_name="who.example.net")
    configuration.load_verify_locations(certificate)
    quic = QuicConnection(configuration=configuration)
    loop = asyncio.get_running_loop()
    _, client = await loop.create_datagram_endpoint(lambda: Client(quic), sock=socket_at(source))
    client.connect((address, int(port), 0, 0))
    await asyncio.wait_for(client.wait_connected(), 10)
    return client


async def move(client, source):
    """Another socket, and the next of the connection IDs that the server gave out (RFC 9000 section 9.5)."""
    left = client._transport
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: client, sock=socket_at(source))
    left.close()
    client.change_connection_id()


async def fetch(client, records, source=None):
    whole = 16 * int(records)
    stream = client._quic.get_next_available_stream_id()
    client._quic.send_stream_data(stream, records.encode(), end_stream=True)
    client.transmit()
    octets = bytearray()
    while len(octets) < whole:
        try:
            event = await asyncio.wait_for(client.events.get(), SILENCE)
        except asyncio.TimeoutError:
            return {"lost": f"nothing after {len(octets)} octets"}
        if isinstance(event, ConnectionTerminated):
            return {"lost": f"closed after {len(octets)} octets: {event.reason_phrase or event.error_code}"}
        if event.stream_id == stream:
            octets += event.data
        if source and len(octets) >= whole // 2:
            await move(client, source)
            source = None
    servers = {bytes(octets[at : at + 16]).decode().strip() for at in range(0, whole, 16)}
    return {"by": sorted(servers), "octets": len(octets)}


async def main():
    client = None
    loop = asyncio.get_running_loop()
    while line := (await loop.run_in_executor(None, sys.stdin.readline)).split():
        if line[0] == "connect":
            if client:
                client.close()
            try:
                client = await connect(sys.argv[1], *line[1:])
                said = {"connected": True}
            except (asyncio.TimeoutError, ConnectionError) as cause:
                said = {"lost": f"no connection: {cause!r}"}
        else:
            said = await fetch(client, *line[1:])
        print(json.dumps(said), flush=True)


asyncio.run(main())
