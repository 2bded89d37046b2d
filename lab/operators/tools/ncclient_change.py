"""The change by ncclient's own methods: login on standard input as JSON; "site" as argument for what only r2 gets."""

import json
import sys

from ncclient import manager
from ncclient.operations import RPCError

TENANT = """
  <tenants xmlns="urn:semrd:yang:semrd-tenant"><tenant>
    <name>globex</name><index>2</index><route-distinguisher>0:65000:2</route-distinguisher>
    <import-target>65000:2</import-target><export-target>65000:2</export-target>
  </tenant></tenants>"""
POLICY = """
  <tenant-policies xmlns="urn:semrd:yang:semrd-tenant-policy"><tenant>
    <name>globex</name>
    <rule><name>acme-reads</name><from>acme</from><capability>/vision/ocr</capability></rule>
  </tenant></tenant-policies>"""
AGENT = """
  <agents xmlns="urn:semrd:yang:semrd-agent"><agent>
    <id>spiffe://example.net/globex/agent/reader</id><tenant>globex</tenant><capability>
      <name>/vision/ocr</name><major-version>1</major-version><address>fd00:a:22::10</address><port>8080</port>
    </capability>
  </agent></agents>"""
NEIGHBOR = """
  <bgp xmlns="urn:semrd:yang:semrd-bgp"><neighbors><neighbor>
    <address>fd00:0:2::c</address><remote-as>65000</remote-as><passive>true</passive>
  </neighbor></neighbors></bgp>"""

MISTAKES = {
    "a tenant that is not there": AGENT.replace("<tenant>globex<", "<tenant>nobody<"),
    "an element that is not there": TENANT.replace("index>", "indx>"),
    "a value of the wrong type": TENANT.replace("<index>2", "<index>two"),
    "a module that is not there": TENANT.replace("semrd-tenant\"", "semrd-tenants\""),
    "a list entry without its key": TENANT.replace("<name>globex</name>", ""),
}


def config(*parts):
    base = "urn:ietf:params:xml:ns:netconf:base:1.0"
    return f'<config xmlns="{base}"><router xmlns="urn:semrd:yang:semrd-router">{"".join(parts)}</router></config>'


def change(session, parts):
    with session.locked("candidate"):
        print(f"edit-config: ok={session.edit_config(config(*parts), target='candidate').ok}")
        print(f"validate: ok={session.validate('candidate').ok}")
        print(f"commit: ok={session.commit().ok}")


def mistakes(session):
    for name, part in MISTAKES.items():
        try:
            session.edit_config(config(part), target="candidate", test_option="test-then-set")
            print(f"{name}: accepted")
        except RPCError as error:
            print(f"{name}: {error.tag} at {(error.path or '?').strip()}: {error.message}")
        session.discard_changes()


def connected(login):
    return manager.connect(
        host=login["host"],
        port=login["port"],
        username=login["user"],
        password=login["password"],
        hostkey_verify=False,
        allow_agent=False,
        look_for_keys=False,
        timeout=30,
    )


def main():
    with connected(json.load(sys.stdin)) as session:
        if "mistakes" in sys.argv:
            mistakes(session)
        else:
            change(session, [TENANT, POLICY] + ([AGENT, NEIGHBOR] if "site" in sys.argv else []))


if __name__ == "__main__":
    main()
