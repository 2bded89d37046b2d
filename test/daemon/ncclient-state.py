"""Prints what ncclient reads of a router's state, one JSON object: address, port, user, password as arguments."""

import json
import sys

from lxml import etree
from ncclient import manager

host, port, user, password = sys.argv[1:5]
ROUTER = "urn:semrd:yang:semrd-router"
NAMESPACES = {
    "r": ROUTER,
    "a": "urn:semrd:yang:semrd-agent",
    "b": "urn:semrd:yang:semrd-bgp",
    "d": "urn:semrd:yang:semrd-dataplane",
    "rib": "urn:semrd:yang:semrd-rib",
}


def texts(element):
    return {etree.QName(leaf).localname: leaf.text for leaf in element if len(leaf) == 0}


with manager.connect(
    host=host, port=int(port), username=user, password=password,
    hostkey_verify=False, look_for_keys=False, allow_agent=False, timeout=20,
) as session:
    def get(filter):
        return session.get(filter=filter).data_ele

    def inside(found, path):
        return [texts(element) for element in found.iterfind(path, NAMESPACES)]

    subtree = f"""<router xmlns="{ROUTER}"><bgp xmlns="{NAMESPACES['b']}"><neighbors><neighbor>
        <address>FD00::9</address><state/></neighbor></neighbors></bgp></router>"""
    agents = f"""<router xmlns="{ROUTER}"><agents xmlns="{NAMESPACES['a']}"/></router>"""
    xpath = "/r:router/a:agents/a:agent/a:capability/a:state"
    everything = session.get().data_ele
    answer = {
        "neighbors": inside(get(("subtree", subtree)), ".//b:neighbor/b:state"),
        "agents": inside(get(("subtree", agents)), ".//a:agent"),
        "instances": inside(get(("xpath", (NAMESPACES, xpath))), ".//a:capability/a:state"),
        "router": inside(everything, "./r:router/r:state"),
        "tables": inside(everything, ".//d:dataplane/d:state/d:table"),
        "ribs": inside(everything, ".//rib:rib"),
        "paths": inside(everything, ".//rib:capability-path"),
        "prefixes": inside(everything, ".//rib:path"),
        "bgp": inside(everything, ".//b:bgp/b:state"),
        "agreed": [{"name": leaf.text} for leaf in everything.iterfind(".//b:neighbor/b:state/b:agreed", NAMESPACES)],
        "bfd": inside(everything, ".//b:neighbor/b:state/b:bfd"),
        "capabilities": inside(everything, ".//b:neighbor/b:state/b:capability"),
        "running": inside(session.get_config("running").data_ele, ".//b:neighbor/b:state"),
    }
    def get_data(inner):
        rpc = etree.fromstring(f"""<get-data xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-nmda"
            xmlns:ds="urn:ietf:params:xml:ns:yang:ietf-datastores"><datastore>ds:operational</datastore>{inner}</get-data>""")
        return etree.fromstring(session.dispatch(rpc).xml.encode())

    agents_only = f"<subtree-filter>{agents}</subtree-filter>"
    state_only = get_data(agents_only + "<config-filter>false</config-filter>")
    answer["stateOnly"] = inside(state_only, ".//a:agent")
    answer["stateOfStateOnly"] = inside(state_only, ".//a:agent/a:state")
    answer["configOnly"] = inside(get_data(agents_only + "<config-filter>true</config-filter>"), ".//a:capability/a:state")
    shallow = get_data(agents_only + "<max-depth>2</max-depth>")
    answer["depth2"] = [etree.QName(element).localname for element in shallow.iterfind(".//a:agents//*", NAMESPACES)]
    traced = get_data(f"""<subtree-filter><router xmlns="{ROUTER}"><bgp xmlns="{NAMESPACES['b']}"><neighbors/></bgp></router>
        </subtree-filter><config-filter>true</config-filter><with-origin/>""")
    origin = "{urn:ietf:params:xml:ns:yang:ietf-origin}origin"
    answer["origins"] = [[etree.QName(e).localname, e.get(origin)] for e in traced.iter() if e.get(origin) is not None]
    print(json.dumps(answer))
