"""Gets a leaf and sets it again over a UNIX socket, knowing gNMI by reflection only. Prints one JSON object.

usage: local.py SOCKET
"""

import json
import sys

import grpc
from google.protobuf import json_format

from reflection_client import Router

router = Router(grpc.insecure_channel("unix:" + sys.argv[1]), [])
router.describe(["gnmi.gNMI"])
path = {"elem": [{"name": "router"}, {"name": "telemetry"}, {"name": "log-level"}]}
change = {"update": [{"path": path, "val": {"stringVal": "warn"}}]}
response = router.call("gnmi.gNMI", "Set", json_format.ParseDict(change, router.message("gnmi.SetRequest")()))
request = json_format.ParseDict({"path": [path], "encoding": "JSON_IETF"}, router.message("gnmi.GetRequest")())
update = router.call("gnmi.gNMI", "Get", request).notification[0].update[0]
print(json.dumps({"results": len(response.response), "level": json.loads(update.val.json_ietf_val)}))
