"""Raw frames into and out of the far ends of links, for the behavioural suite.

One JSON object per line in: {"from": IF, "frames": [HEX...]} and, to wait until a last frame, the fence, has come out,
"fence": HEX, "at": IF, at most for "within" seconds; with "goesOn", what came since the last answer is told too. One per line out: {"frames": [[IF, HEX]...]}
in the order of arrival, or {"error": TEXT}. The process stays on one processor, so that what it sends is handled in order.
"""
import json
import os
import select
import socket
import sys
import time

IPV6 = 0x86DD
LONGEST_WAIT = 60.0
SO_RCVBUFFORCE = 33

os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
sockets = {}
for name in sys.argv[1:]:
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(IPV6))
    opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
    opened.bind((name, IPV6))
    opened.setblocking(False)
    sockets[name] = opened
names = {opened: name for name, opened in sockets.items()}


def arrivals(timeout):
    """What is there now, waiting for the first for at most `timeout` seconds; what this host sent itself is left out."""
    found = []
    readable, _, _ = select.select(list(names), [], [], timeout)
    for each in readable:
        while True:
            try:
                frame, (_, _, kind, *_) = each.recvfrom(1 << 16)
            except BlockingIOError:
                break
            if kind != socket.PACKET_OUTGOING:
                found.append([names[each], frame.hex()])
    return found


def exchange(order):
    found = arrivals(0)
    if "goesOn" not in order:
        found = []
    sender = sockets[order["from"]]
    for frame in order["frames"]:
        sender.send(bytes.fromhex(frame))
    if "fence" not in order:
        return {"frames": found}
    within = order.get("within", LONGEST_WAIT)
    deadline = time.monotonic() + within
    fence = bytes.fromhex(order["fence"])
    sender.send(fence)
    # The hop limit and the Ethernet addresses change on the way: recognised by its payload, whose last word is its number
    mark = fence[-16:].hex()
    while time.monotonic() < deadline:
        found += arrivals(max(0, deadline - time.monotonic()))
        if any(at == order["at"] and frame.endswith(mark) for at, frame in found):
            found += arrivals(0)
            return {"frames": [each for each in found if each[1][-32:-8] != mark[:-8]]}
    return {"error": f"the fence did not come out at {order['at']} within {within} s"}


print("ready", flush=True)
for line in sys.stdin:
    print(json.dumps(exchange(json.loads(line))), flush=True)
