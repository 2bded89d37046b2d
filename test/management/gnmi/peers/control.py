"""Asks and operates a router by origin semrd-control over its control socket, knowing gNMI by reflection only. Prints one JSON object.

usage: control.py SOCKET
"""

import json
import sys

import grpc
from google.protobuf import json_format

from reflection_client import Router

router = Router(grpc.insecure_channel("unix:" + sys.argv[1]), [])
router.describe(["gnmi.gNMI"])


def path(*elems):
    return {"origin": "semrd-control", "elem": [{"name": name, "key": key} for name, key in elems]}


def ask(method, message, request):
    return router.call("gnmi.gNMI", method, json_format.ParseDict(request, router.message(message)()))


def said(response):
    return json.loads(response.extension[0].registered_ext.msg)


got = ask("Get", "gnmi.GetRequest", {"path": [path(("status", {}))]})
status = json.loads(got.notification[0].update[0].val.json_val)
drained = ask("Set", "gnmi.SetRequest", {"update": [{"path": path(("router", {}), ("drain", {}))}]})
back = ask("Set", "gnmi.SetRequest", {"update": [{"path": path(("router", {}), ("undrain", {}))}]})
try:
    ask("Set", "gnmi.SetRequest", {"update": [{"path": path(("agents", {"id": "urn:nobody"}), ("drain", {}))}]})
    refused = None
except grpc.RpcError as error:
    trailers = dict(error.trailing_metadata())
    refused = [error.code().name, json.loads(trailers["semrd-problem-bin"])["code"]]
print(json.dumps({"name": status["name"], "drain": [said(drained), said(back)], "refused": refused}))
