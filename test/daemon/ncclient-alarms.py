"""Follows an alarm with ncclient: its notifications, the list, what operators do. A line of JSON for each step, in its order."""

import json
import sys

from lxml import etree
from ncclient import manager

host, port, user, password, wanted = sys.argv[1:6]
AL = "urn:ietf:params:xml:ns:yang:ietf-alarms"
OURS = "urn:semrd:yang:semrd-alarms"


def say(name, **content):
    print(json.dumps({"step": name, **content}), flush=True)


def leaves(element):
    return {etree.QName(e).localname: e.text for e in element if not len(e)}


with manager.connect(
    host=host, port=int(port), username=user, password=password,
    hostkey_verify=False, look_for_keys=False, allow_agent=False, timeout=20,
) as session:
    resources = {}

    def notified(name, severity=None):
        while True:
            notification = session.take_notification(timeout=20)
            if notification is None:
                sys.exit(f"no {name} within 20 s")
            for event in notification.notification_ele.iter(f"{{{AL}}}{name}"):
                found = leaves(event)
                resources.update({e.text: etree.tostring(e).decode() for e in event.iter(f"{{{AL}}}resource")})
                if name != "alarm-notification" or (found["alarm-type-id"].endswith(wanted)
                                                    and severity in (None, found["perceived-severity"])):
                    return found

    def listed():
        found = session.get(("subtree", f'<alarms xmlns="{AL}"><alarm-list/></alarms>')).data_xml.encode()
        return [leaves(e) for e in etree.fromstring(found).iter(f"{{{AL}}}alarm")]

    def action(inner):
        xml = (f'<action xmlns="urn:ietf:params:xml:ns:yang:1"><alarms xmlns="{AL}"><alarm-list>{inner}'
               '</alarm-list></alarms></action>')
        return leaves(etree.fromstring(session.dispatch(etree.fromstring(xml)).xml.encode()))

    session.create_subscription()
    say("subscribed")
    raised = notified("alarm-notification")
    say("raised", **raised)
    say("listed", alarms=listed())
    # As it came: the prefixes in an instance-identifier are those of its element (RFC 7950 section 9.13.2)
    key = (f'{resources[raised["resource"]]}<alarm-type-id xmlns:o="{OURS}">o:{wanted}</alarm-type-id>'
           '<alarm-type-qualifier/>')
    action(f"<alarm>{key}<set-operator-state><state>closed</state><text>on purpose</text></set-operator-state></alarm>")
    say("operator", **notified("operator-action"))
    say("cleared", **notified("alarm-notification", "cleared"))
    say("purged", **action("<purge-alarms><alarm-clearance-status>cleared</alarm-clearance-status></purge-alarms>"))
    say("left", alarms=listed())
    inventory = session.get(("subtree", f'<alarms xmlns="{AL}"><alarm-inventory/></alarms>')).data_xml.encode()
    say("inventory", types=[e.text for e in etree.fromstring(inventory).iter(f"{{{AL}}}alarm-type-id")])
