"""Calls the operations of semrd's modules by ncclient and prints the answers, one JSON object by name."""

import json
import sys

from lxml import etree
from ncclient import manager
from ncclient.operations import RPCError

host, port, user, password, agent = sys.argv[1:6]
ROUTER = "urn:semrd:yang:semrd-router"
AGENT = "urn:semrd:yang:semrd-agent"
BGP = "urn:semrd:yang:semrd-bgp"
POLICY = "urn:semrd:yang:semrd-policy"
DATAPLANE = "urn:semrd:yang:semrd-dataplane"
RIB = "urn:semrd:yang:semrd-rib"


def tree(element):
    return [etree.QName(element).localname, element.text.strip() if element.text else "", [tree(e) for e in element]]


with manager.connect(
    host=host, port=int(port), username=user, password=password,
    hostkey_verify=False, look_for_keys=False, allow_agent=False, timeout=20,
) as session:
    def call(xml):
        try:
            return tree(etree.fromstring(session.dispatch(etree.fromstring(xml)).xml.encode()))[2]
        except RPCError as error:
            return {"tag": error.tag, "appTag": error.app_tag, "message": error.message, "path": error.path}

    def action(inner):
        return call(f'<action xmlns="urn:ietf:params:xml:ns:yang:1"><router xmlns="{ROUTER}">{inner}</router></action>')

    def of_agent(inner, id=agent):
        return action(f'<agents xmlns="{AGENT}"><agent><id>{id}</id>{inner}</agent></agents>')

    def clear(address, how):
        return action(f'<bgp xmlns="{BGP}"><neighbors><neighbor><address>{address}</address>'
                      f'<clear><how>{how}</how></clear></neighbor></neighbors></bgp>')

    def reset(inner):
        return action(f'<dataplane xmlns="{DATAPLANE}"><reset-counters>{inner}</reset-counters></dataplane>')

    def reset_neighbors(inner):
        return action(f'<bgp xmlns="{BGP}"><neighbors>{inner}</neighbors></bgp>')

    def reset_policies(inner):
        return action(f'<routing-policy xmlns="{POLICY}"><policy-definitions>{inner}</policy-definitions></routing-policy>')

    def neighbor():
        only = (f'<router xmlns="{ROUTER}"><bgp xmlns="{BGP}"><neighbors><neighbor><address>fd00::9</address><state/>'
                '</neighbor></neighbors></bgp></router>')
        state = session.get(("subtree", only)).data_ele.find(f".//{{{BGP}}}state")
        return [tree(e) for e in state if etree.QName(e).localname in ("discontinuity-time", "refused-connections")]

    def discontinuity():
        only = f'<router xmlns="{ROUTER}"><dataplane xmlns="{DATAPLANE}"><state><discontinuity-time/></state></dataplane></router>'
        found = session.get(("subtree", only)).data_xml.encode()
        return next((e.text for e in etree.fromstring(found).iter(f"{{{DATAPLANE}}}discontinuity-time")), None)

    capability = ("<capability><name>/vision/ocr</name><major-version>1</major-version><address>fd00:a::10</address>"
                  "<port>8080</port><drain>{}</drain></capability>")
    ask = f'xmlns="{RIB}"><capability>/vision/ocr</capability>'
    print(json.dumps({
        "explain": call(f"<explain {ask}</explain>"),
        "resolve": call(f"<resolve {ask}<tenant>acme</tenant></resolve>"),
        "resolveElsewhere": call(f"<resolve {ask}<tenant>nobody</tenant></resolve>"),
        "packet": call(f'<explain-packet xmlns="{DATAPLANE}"><source>fd00:c::10</source>'
                       f'<capability>/vision/ocr</capability><interface>st-client</interface></explain-packet>'),
        "packetNowhere": call(f'<explain-packet xmlns="{DATAPLANE}"><source>fd00:c::10</source>'
                              f'<capability>/vision/ocr</capability><interface>lo9</interface></explain-packet>'),
        "audit": call(f'<rib-audit xmlns="{RIB}"/>'),
        "discontinuity": [["before", discontinuity(), []]],
        "reset": reset("<only>tags</only><only>tenants</only>"),
        "resetAll": reset(""),
        "resetBadly": reset("<only>everything</only>"),
        "discontinuityAfter": [["after", discontinuity(), []]],
        "resetNeighbor": reset_neighbors("<neighbor><address>FD00::9</address><reset-counters/></neighbor>"),
        "neighbor": neighbor(),
        "resetNeighbors": reset_neighbors("<reset-counters/>"),
        "neighborAfter": neighbor(),
        "resetStranger": reset_neighbors("<neighbor><address>fd00::8</address><reset-counters/></neighbor>"),
        "resetPolicies": reset_policies("<reset-counters/>"),
        "resetNoPolicy": reset_policies("<policy-definition><name>none</name><reset-counters/></policy-definition>"),
        "drainInstance": of_agent(capability.format("")),
        "explainDrained": call(f"<explain {ask}</explain>"),
        "undrainInstance": of_agent(capability.format("<on>false</on>")),
        "drainAgent": of_agent("<drain/>"),
        "undrainAgent": of_agent("<drain><on>false</on></drain>"),
        "drainStranger": of_agent("<drain/>", agent + "x"),
        "drainRouter": action("<drain/>"),
        "undrainRouter": action("<drain><on>false</on></drain>"),
        "clearHard": clear("fd00::9", "hard"),
        "clearSoft": clear("fd00::9", "soft"),
        "clearStranger": clear("fd00::8", "hard"),
        "clearBadly": clear("fd00::9", "softly"),
    }))
