"""A client that knows no .proto of the router: it asks the router itself, and calls with what that has said.
Prints one JSON object of what was answered.

usage: reflected.py ADDRESS:PORT CERTIFICATE USER PASSWORD
"""

import json
import sys

from google.protobuf import descriptor_pb2, json_format

from reflection_client import Request, open_router

router = open_router(*sys.argv[1:5])
told = {version: router.services(version) for version in ("v1", "v1alpha")}
router.describe(told["v1"])
told["files"] = sorted(router.files)
told["methods"] = {name: [method.name for method in router.pool.FindServiceByName(name).methods] for name in told["v1"]}

request = json_format.ParseDict({"path": [{"elem": [
    {"name": "router"}, {"name": "tenants"}, {"name": "tenant", "key": {"name": "acme"}}, {"name": "index"},
]}], "encoding": "JSON_IETF"}, router.message("gnmi.GetRequest")())
update = router.call("gnmi.gNMI", "Get", request).notification[0].update[0]
told["index"] = json.loads(update.val.json_ietf_val)
told["time"] = router.call("gnoi.system.System", "Time", router.message("gnoi.system.TimeRequest")()).time

extended = "google.protobuf.FileOptions"
answers = router.reflect("v1", [Request(numbers=extended), Request(extension={"type": extended, "number": 1001}),
                                Request(symbol="nothing.at.All"), Request(file="no.proto")])
told["numbers"] = list(answers[0].numbers.number)
told["extension"] = descriptor_pb2.FileDescriptorProto.FromString(answers[1].files.octets[0]).name
told["errors"] = [[answer.error.code, answer.error.message] for answer in answers[2:]]
print(json.dumps(told))
