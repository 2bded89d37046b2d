"""ncclient writes a key and a neighbour that names it, and tries to take the key away: JSON on stdin, a line for each step."""

import json
import sys

from ncclient import manager
from ncclient.operations import RPCError

ROUTER = "urn:semrd:yang:semrd-router"
BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"


def config(inside):
    return f'<config xmlns="{BASE}"><router xmlns="{ROUTER}">{inside}</router></config>'


def key(inside, operation=""):
    return (
        '<keystore xmlns="urn:semrd:yang:semrd-keystore"><symmetric-keys>'
        f'<symmetric-key xmlns:nc="{BASE}"{operation}><name>with-r9</name>{inside}</symmetric-key>'
        "</symmetric-keys></keystore>"
    )


def neighbor(inside, operation=""):
    return (
        '<bgp xmlns="urn:semrd:yang:semrd-bgp"><neighbors>'
        f'<neighbor xmlns:nc="{BASE}"{operation}><address>fd00:ffff::9</address>{inside}</neighbor></neighbors></bgp>'
    )


asked = json.load(sys.stdin)
DELETE = ' nc:operation="delete"'
with manager.connect(
    host=asked["host"], port=asked["port"], username=asked["user"], password=asked["password"],
    hostkey_verify=False, allow_agent=False, look_for_keys=False, timeout=30,
) as session:

    def edit(name, inside):
        print(f"{name}: {session.edit_config(config(inside), target='candidate').ok}")

    edit("key", key(f"<cleartext-symmetric-key>{asked['octets']}</cleartext-symmetric-key>"))
    edit("neighbour", neighbor("<remote-as>65000</remote-as><md5-key>with-r9</md5-key>"))
    print(f"commit: {session.commit().ok}")
    told = session.get_config("running", filter=("subtree", config(key(""))[len(f'<config xmlns="{BASE}">'):-9])).data_xml
    print(f"told: {'with-r9' in told} {asked['octets'] in told}")
    try:
        edit("delete", key("", DELETE))
    except RPCError as refused:
        print(f"refused: {refused.tag} {refused.app_tag} at {refused.path}: {refused.message}")
    session.discard_changes()
    edit("both", key("", DELETE) + neighbor("", DELETE))
    print(f"commit: {session.commit().ok}")
