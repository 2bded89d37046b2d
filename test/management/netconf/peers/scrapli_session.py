"""What scrapli is answered over each of its ways to SSH, as JSON: login on standard input."""

import asyncio
import json
import sys

from scrapli_netconf.driver import AsyncNetconfDriver, NetconfDriver

TENANT = """<config><router xmlns="urn:semrd:yang:semrd-router"><tenants xmlns="urn:semrd:yang:semrd-tenant"><tenant>
  <name>scrapli</name><index>{index}</index><route-distinguisher>0:65000:5</route-distinguisher>
  <import-target>65000:5</import-target><export-target>65000:5</export-target>
</tenant></tenants></router></config>"""
FILTER = '<router xmlns="urn:semrd:yang:semrd-router"><tenants xmlns="urn:semrd:yang:semrd-tenant"/></router>'


def asked(session):
    """Each request of a session with its name; a mistake last."""
    return [
        ("lock", lambda: session.lock(target="candidate")),
        ("edit", lambda: session.edit_config(config=TENANT.format(index=5), target="candidate")),
        ("validate", lambda: session.validate(source="candidate")),
        ("commit", lambda: session.commit()),
        ("unlock", lambda: session.unlock(target="candidate")),
        ("running", lambda: session.get_config(source="running", filter_=FILTER, filter_type="subtree")),
        ("state", lambda: session.get(filter_="/semrd-router:router/semrd-router:state", filter_type="xpath")),
        ("mistake", lambda: session.edit_config(config=TENANT.format(index="two"), target="candidate")),
    ]


def told(session, answers):
    return {
        "version": session.netconf_version.value,
        "failed": {name: answer.failed for name, answer in answers.items()},
        "running": answers["running"].result,
        "state": answers["state"].result,
        "mistake": answers["mistake"].result,
    }


def main():
    login = json.load(sys.stdin)
    who = {"host": login["host"], "port": login["port"], "auth_username": login["username"], "auth_strict_key": False}
    ways = {
        "system": {"auth_private_key": login["keyFile"]},
        "paramiko": {"auth_password": login["password"]},
    }
    seen = {}
    for transport, proof in ways.items():
        with NetconfDriver(transport=transport, **who, **proof) as session:
            seen[transport] = told(session, {name: ask() for name, ask in asked(session)})

    async def asynchronously():
        async with AsyncNetconfDriver(transport="asyncssh", auth_password=login["password"], **who) as session:
            return told(session, {name: await ask() for name, ask in asked(session)})

    seen["asyncssh"] = asyncio.run(asynchronously())
    print(json.dumps(seen))


main()
