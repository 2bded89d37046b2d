"""ncclient changes the settings of the server that it speaks to: JSON on stdin, a line for each step."""

import json
import sys

from ncclient import manager
from ncclient.operations import RPCError

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
asked = json.load(sys.stdin)


def config(inside):
    return (
        f'<config xmlns="{BASE}"><router xmlns="urn:semrd:yang:semrd-router"><management>'
        f'<netconf xmlns="urn:semrd:yang:semrd-netconf" xmlns:nc="{BASE}"{inside}</netconf></management></router></config>'
    )


def connect(port):
    return manager.connect(
        host=asked["host"], port=port, username=asked["user"], password=asked["password"],
        hostkey_verify=False, allow_agent=False, look_for_keys=False, timeout=30,
    )


def listen(port):
    return f"><ssh><listen><address>{asked['host']}</address><port>{port}</port></listen></ssh>"


def change(name, inside):
    session.edit_config(config(inside), target="candidate")
    try:
        print(f"{name}: {session.commit().ok}")
    except RPCError as refused:
        print(f"{name}: {refused.tag}: {refused.message}")
        session.discard_changes()


session = connect(asked["port"])
change("listener", listen(asked["free"]))
other = connect(asked["free"])
print(f"there: {other.get_config('running').ok}")
change("taken", listen(asked["taken"]))
change("sessions", "><maximum-sessions>7</maximum-sessions>")
print(f"both: {session.get_config('running').ok} {other.get_config('running').ok}")
change("off", ' nc:operation="delete">')
for each in (session, other):
    each._session.join(20)  # its thread, which notices
    print("goes on" if each.connected else "ended")
