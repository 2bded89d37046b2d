"""Follows an alarm with ncclient: its notifications, the list, what operators do. A line of JSON for each step, in its order."""

import json
import sys
import time

from lxml import etree
from ncclient import manager
from ncclient.operations import RPCError

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

    def configure(inner):
        config = f'<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><alarms xmlns="{AL}">{inner}</alarms></config>'
        session.edit_config(config, target="running")

    def shelved():
        found = session.get(("subtree", f'<alarms xmlns="{AL}"><shelved-alarms/><summary/></alarms>')).data_ele
        return {
            "alarms": [leaves(e) for e in found.iter(f"{{{AL}}}shelved-alarm")],
            "states": [e.text for e in found.iterfind(f".//{{{AL}}}operator-state-change/{{{AL}}}state")],
            "active": found.find(f".//{{{AL}}}shelves-active") is not None,
            "counted": found.findtext(f".//{{{AL}}}number-of-shelved-alarms"),
        }

    TYPE = f'<alarm-type-id xmlns:o="{OURS}">o:certificate-expiry</alarm-type-id>'
    SHELF = "<control><alarm-shelving>{}</alarm-shelving></control>"
    try:
        configure(SHELF.format("<shelf><name>wrong</name><resource>/nothing:router[</resource></shelf>"))
    except RPCError as error:
        say("refused", tag=error.tag, message=error.message)
    configure(SHELF.format(f"""<shelf><name>known</name>
        <resource xmlns:r="urn:semrd:yang:semrd-router">/r:router//*[contains(local-name(), '-file')][starts-with(., 'server')]
        | /r:router/r:name</resource>
        <alarm-type>{TYPE}<alarm-type-qualifier-match>.*</alarm-type-qualifier-match></alarm-type></shelf>"""))
    # What XPath selects is found out after the commit
    until = time.monotonic() + 20
    while listed() and time.monotonic() < until:
        pass
    say("shelved", list=listed(), **shelved())
    configure(f"""<alarm-profile>{TYPE}<alarm-type-qualifier-match/><resource>//*</resource>
        <description>they are renewed by hand</description><alarm-severity-assignment-profile>
        <severity-level>minor</severity-level><severity-level>critical</severity-level>
        </alarm-severity-assignment-profile></alarm-profile>""")
    say("profile", **shelved())
    configure(SHELF.format('<shelf xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" nc:operation="delete"><name>known</name></shelf>'))
    say("un-shelved", said=notified("operator-action"), list=listed(), **shelved())
