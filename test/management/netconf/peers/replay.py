"""Replays cases with ncclient: JSON on stdin, for each step a line of JSON with the answer."""

import json
import sys

from lxml import etree
from ncclient import manager
from ncclient.operations import RaiseMode

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"


def connect(login):
    session = manager.connect(
        host=login["host"],
        port=login["port"],
        username=login["username"],
        key_filename=login["keyFile"],
        password="",  # ncclient 0.6.17 cannot do without one, though the key has none
        hostkey_verify=False,
        allow_agent=False,
        look_for_keys=False,
        timeout=30,
    )
    session.raise_mode = RaiseMode.NONE
    return session


def operation(text):
    # Inside an rpc it has that namespace; ncclient builds its own rpc around the element.
    return etree.fromstring(f'<rpc xmlns="{BASE}">{text}</rpc>')[0]


def main():
    asked = json.load(sys.stdin)
    with connect(asked["login"]) as a, connect(asked["login"]) as b, connect(asked["login"]) as watcher:
        watcher.create_subscription()
        sessions = {"a": a, "b": b}
        for case in asked["cases"]:
            for step in case["steps"]:
                if "notified" in step:
                    while True:
                        notification = watcher.take_notification(block=True, timeout=20)
                        if notification is None:
                            raise SystemExit(f"{case['name']}: no {step['notified']}")
                        if step["notified"] in notification.notification_xml:
                            break
                    xml = notification.notification_xml
                else:
                    text = step["rpc"].replace("$a", a.session_id)
                    xml = sessions[step.get("by", "a")].dispatch(operation(text)).xml
                print(json.dumps({"a": a.session_id, "xml": xml}), flush=True)


main()
