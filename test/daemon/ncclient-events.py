"""Subscribes with ncclient and prints each notification of semrd-events as a line of JSON, after a line for the subscription."""

import json
import sys

from lxml import etree
from ncclient import manager

host, port, user, password, last = sys.argv[1:6]
EVENTS = "{urn:semrd:yang:semrd-events}"

with manager.connect(
    host=host, port=int(port), username=user, password=password,
    hostkey_verify=False, look_for_keys=False, allow_agent=False, timeout=20,
) as session:
    session.create_subscription()
    print(json.dumps({"subscribed": True}), flush=True)
    while True:
        notification = session.take_notification(timeout=20)
        if notification is None:
            sys.exit("no notification within 20 s")
        event = notification.notification_ele[1]
        if not event.tag.startswith(EVENTS):
            continue
        content = {etree.QName(leaf).localname: leaf.text for leaf in event}
        name = etree.QName(event).localname
        print(json.dumps({"name": name, **content}), flush=True)
        if f"{name} {content.get('event')}" == last:
            break
