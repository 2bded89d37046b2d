"""Gets the tenant's index with an access token, as grpcio has call credentials for. Prints one JSON object.

usage: access_token.py ADDRESS:PORT CERTIFICATE TOKEN
"""

import json
import sys

import grpc
from google.protobuf import json_format

from reflection_client import Router

_, target, certificate, token = sys.argv
with open(certificate, "rb") as opened:
    tls = grpc.ssl_channel_credentials(opened.read())
channel = grpc.secure_channel(target, grpc.composite_channel_credentials(tls, grpc.access_token_call_credentials(token)))
router = Router(channel, [])
try:
    router.describe(["gnmi.gNMI"])
    request = json_format.ParseDict({"path": [{"elem": [{"name": "router"}, {"name": "name"}]}], "encoding": "JSON_IETF"},
                                    router.message("gnmi.GetRequest")())
    update = router.call("gnmi.gNMI", "Get", request).notification[0].update[0]
    print(json.dumps({"name": json.loads(update.val.json_ietf_val)}))
except grpc.RpcError as error:
    print(json.dumps({"error": [error.code().name, error.details()]}))
