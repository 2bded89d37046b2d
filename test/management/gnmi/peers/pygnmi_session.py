"""pygnmi as its users write it. Prints one JSON object of what it made of the router's answers.

usage: pygnmi_session.py ADDRESS PORT CERTIFICATE USER PASSWORD
"""

import json
import sys

from pygnmi.client import gNMIclient, gNMIException

_, address, port, certificate, user, password = sys.argv
target = (address, port)
login = {"username": user, "password": password, "gnmi_timeout": 20}
TENANT = "semrd-router:router/tenants/tenant[name=beta]"
told = {}


def values(answer):
    return {u["path"]: u["val"] for n in answer["notification"] for u in n.get("update") or ()}


def told_by(stream):
    """Until it is in step: leaves by path."""
    leaves = {}
    for answer in stream:
        for update in (answer.get("update") or {}).get("update") or ():
            leaves[update["path"]] = update.get("val")
        if answer.get("sync_response"):
            return leaves


with gNMIclient(target=target, path_cert=certificate, **login) as client:
    capabilities = client.capabilities()
    told["version"] = capabilities["gnmi_version"]
    told["encodings"] = capabilities["supported_encodings"]
    told["models"] = [model["name"] for model in capabilities["supported_models"]]

    told["get"] = values(client.get(path=["semrd-router:router/tenants/tenant[name=acme]/index", "/router/name"]))
    told["config"] = values(client.get(path=["/router/tenants"], datatype="config", encoding="json"))
    told["state"] = values(client.get(path=["/router/tenants/tenant[name=acme]/state"], datatype="state"))

    entry = {"name": "beta", "index": 2, "route-distinguisher": "0:65000:2", "import-target": ["65000:2"], "export-target": ["65000:2"]}
    set_ = client.set(update=[("semrd-router:router/tenants", {"tenant": [entry]})])
    told["update"] = [result["op"] for result in set_["response"]]
    mode = {"subscription": [{"path": "semrd-router:router/tenants", "mode": "on_change"}], "mode": "stream"}
    stream = client.subscribe2(subscribe=mode)
    told["stream"] = told_by(stream)
    set_ = client.set(
        replace=[(TENANT, {**entry, "export-target": ["65000:9"]})],
        delete=["semrd-router:router/taxonomy/capability[name=/vision/ocr][major-version=1]/description"],
        prefix="",
    )
    told["replace"] = sorted(result["op"] for result in set_["response"])
    changed = {}
    while not any("export-target" in at for at in changed):
        for update in stream.get_update(timeout=20)["update"]["update"]:
            changed[update["path"]] = update.get("val")
    told["changed"] = changed
    stream.close()

    # It cannot read leaf-lists of PROTO: there are none here.
    once = {"subscription": [{"path": "semrd-router:router/taxonomy"}], "mode": "once", "encoding": "proto"}
    told["once"] = told_by(client.subscribe2(subscribe=once))
    poll = client.subscribe2(subscribe={"subscription": [{"path": "/router/name"}], "mode": "poll"})
    told["poll"] = [u["val"] for u in poll.get_update(timeout=20)["update"]["update"]]
    poll.close()
    arbitration = {"master_arbitration": {"election_id": {"high": 0, "low": 1}}}
    set_ = client.set(delete=[TENANT], extension=arbitration)
    told["delete"] = [result["op"] for result in set_["response"]]
    told["left"] = values(client.get(path=["/router/tenants"], datatype="config"))

    told["refused"] = []
    for wrong in (
        {"update": [(TENANT, {"name": "beta", "index": "x"})]},
        {"update": [("/router/nonsense", {"a": 1})]},
        {"delete": ["semrd-router:router/tenants/tenant[name=acme]/index"]},
    ):
        try:
            client.set(**wrong)
        except gNMIException as error:
            told["refused"].append([error.orig_exc.code().name, error.orig_exc.details()])

# As people begin: the certificate is what the router shows, and is believed.
with gNMIclient(target=target, skip_verify=True, **login) as client:
    told["believed"] = values(client.get(path=["/router/name"]))
try:
    with gNMIclient(target=target, path_cert=certificate, **{**login, "password": "wrong"}) as client:
        client.get(path=["/router/name"])
except gNMIException as error:
    told["wrong password"] = error.orig_exc.code().name

print(json.dumps(told))
