"""Prints what a router says about its NETCONF server and modules, one JSON object."""

import json
import re
import sys

from lxml import etree
from ncclient import manager

host, port, user, password = sys.argv[1:5]
MONITORING = "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"
LIBRARY = "urn:ietf:params:xml:ns:yang:ietf-yang-library"
NAMESPACES = {"m": MONITORING, "l": LIBRARY}


def texts(element):
    return {etree.QName(leaf).localname: leaf.text for leaf in element if len(leaf) == 0}


with manager.connect(
    host=host, port=int(port), username=user, password=password,
    hostkey_verify=False, look_for_keys=False, allow_agent=False, timeout=20,
) as session:
    with session.locked("candidate"):
        state = session.get(filter=("subtree", f'<netconf-state xmlns="{MONITORING}"/>')).data_ele
    library = session.get(filter=("subtree", f'<yang-library xmlns="{LIBRARY}"/>')).data_ele
    hello = next(uri for uri in session.server_capabilities if "yang-library:1.1" in uri)
    locks = state.find('.//m:datastore[m:name="candidate"]/m:locks/m:global-lock', NAMESPACES)
    print(json.dumps({
        "id": session.session_id,
        "capabilities": sorted(leaf.text for leaf in state.iterfind(".//m:capabilities/m:capability", NAMESPACES)),
        "hello": sorted(session.server_capabilities),
        "sessions": [texts(entry) for entry in state.iterfind(".//m:sessions/m:session", NAMESPACES)],
        "statistics": texts(state.find(".//m:statistics", NAMESPACES)),
        "lock": texts(locks),
        "schemas": [texts(entry) for entry in state.iterfind(".//m:schemas/m:schema", NAMESPACES)],
        "contentId": library.findtext(".//l:content-id", namespaces=NAMESPACES),
        "helloContentId": re.search("content-id=([^&]+)", hello).group(1),
        "modules": sorted({leaf.text for leaf in library.iterfind(".//l:module/l:name", NAMESPACES)}),
    }))
