"""A tenant, an agent and a BGP neighbour on a router that runs, by ncclient's own methods; then five mistakes."""

import json
import sys

from ncclient import manager
from ncclient.operations import RPCError

TENANT = """
<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><router xmlns="urn:semrd:yang:semrd-router">
  <tenants xmlns="urn:semrd:yang:semrd-tenant"><tenant>
    <name>globex</name><index>7</index><route-distinguisher>0:65000:7</route-distinguisher>
    <import-target>65000:7</import-target><export-target>65000:7</export-target>
  </tenant></tenants>
</router></config>"""

AGENT = """
<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><router xmlns="urn:semrd:yang:semrd-router">
  <agents xmlns="urn:semrd:yang:semrd-agent"><agent>
    <id>spiffe://example.net/globex/agent/reader</id><tenant>{tenant}</tenant>
    <capability>
      <name>/vision/ocr</name><major-version>1</major-version><address>fd00:a::70</address><port>8080</port>
    </capability>
  </agent></agents>
</router></config>"""

NEIGHBOR = """
<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><router xmlns="urn:semrd:yang:semrd-router">
  <bgp xmlns="urn:semrd:yang:semrd-bgp"><neighbors><neighbor>
    <address>{address}</address><remote-as>65000</remote-as>
    <families><family><name>capability</name></family></families>
  </neighbor></neighbors></bgp>
</router></config>"""

MISTAKES = {
    "a tenant that is not there": AGENT.format(tenant="nobody"),
    "an element that is not there": TENANT.replace("index>", "indx>"),
    "a value of the wrong type": TENANT.replace("<index>7", "<index>seven"),
    "a namespace that is not there": TENANT.replace("semrd-tenant", "semrd-tenants"),
    "a list entry without its key": TENANT.replace("<name>globex</name>", ""),
}


def main():
    login = json.load(sys.stdin)
    with manager.connect(
        host=login["host"],
        port=login["port"],
        username=login["username"],
        password=login["password"],
        hostkey_verify=False,
        allow_agent=False,
        look_for_keys=False,
        timeout=30,
    ) as m:
        print(f"session {m.session_id} with {sum(1 for _ in m.server_capabilities)} capabilities")
        with m.locked("candidate"):
            for name, config in (
                ("tenant", TENANT),
                ("agent", AGENT.format(tenant="globex")),
                ("neighbour", NEIGHBOR.format(address=login["neighbor"])),
            ):
                print(f"edit-config, {name}: ok={m.edit_config(config, target='candidate').ok}")
            print(f"validate: ok={m.validate('candidate').ok}")
            print(f"commit confirmed, 60 s: ok={m.commit(confirmed=True, timeout='60').ok}")
            print(f"commit: ok={m.commit().ok}")
        print(f"copy-config running to startup: ok={m.copy_config('running', 'startup').ok}")
        for name, config in MISTAKES.items():
            try:
                m.edit_config(config, target="candidate", test_option="test-then-set")
                print(f"{name}: accepted")
            except RPCError as error:
                path = (error.path or "").strip()
                print(f"{name}: {error.tag}{' at ' + path if path else ''}: {error.message}")
            m.discard_changes()
    print("closed")


main()
