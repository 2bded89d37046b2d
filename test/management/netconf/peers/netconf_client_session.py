"""What netconf-client is answered, as JSON: login on standard input. It hears of its own change."""

import json
import sys

from netconf_client.connect import connect_ssh
from netconf_client.error import RpcError
from netconf_client.ncclient import Manager

TENANT = """<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><router xmlns="urn:semrd:yang:semrd-router">
  <tenants xmlns="urn:semrd:yang:semrd-tenant"><tenant>
    <name>client</name><index>{index}</index><route-distinguisher>0:65000:6</route-distinguisher>
    <import-target>65000:6</import-target><export-target>65000:6</export-target>
  </tenant></tenants></router></config>"""
STATE = '<filter type="subtree"><router xmlns="urn:semrd:yang:semrd-router"><state/></router></filter>'

login = json.load(sys.stdin)
session = connect_ssh(host=login["host"], port=login["port"], username=login["username"], password=login["password"])
with Manager(session, timeout=20) as manager:
    manager.create_subscription()
    manager.lock("candidate")
    manager.edit_config(TENANT.format(index=6), target="candidate")
    manager.validate("candidate")
    manager.commit(confirmed=True, confirm_timeout=60)
    manager.commit()
    manager.unlock("candidate")
    heard = manager.take_notification(True, 20).notification_xml.decode()
    try:
        manager.edit_config(TENANT.format(index="six"), target="candidate")
        refused = None
    except RpcError as error:
        refused = [error.tag, error.message]
    print(
        json.dumps(
            {
                "running": manager.get_config("running").data_xml.decode(),
                "state": manager.get(STATE).data_xml.decode(),
                "heard": heard,
                "refused": refused,
            }
        )
    )
