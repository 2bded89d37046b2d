"""grpcio with TLS, and a certificate of its own where one is given: what the router is called, as it says.

usage: keystore_grpcio.py FOLDER-OF-reflection_client ADDRESS:PORT AUTHORITY [CERTIFICATE KEY | USER PASSWORD]
"""

import json
import sys

import grpc
from google.protobuf import json_format

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])

from reflection_client import Router  # noqa: E402

target, authority, first, second = sys.argv[2:]


def octets(file):
    with open(file, "rb") as opened:
        return opened.read()


own = first.endswith(".pem")
credentials = grpc.ssl_channel_credentials(octets(authority), *((octets(second), octets(first)) if own else ()))
channel = grpc.secure_channel(target, credentials, [("grpc.use_local_subchannel_pool", 1)])
router = Router(channel, [] if own else [("username", first), ("password", second)])
try:
    router.describe(router.services("v1"))
    elem = [{"name": "router"}, {"name": "name"}]
    request = json_format.ParseDict({"path": [{"elem": elem}], "encoding": "JSON_IETF"}, router.message("gnmi.GetRequest")())
    update = router.call("gnmi.gNMI", "Get", request).notification[0].update[0]
    print(json.loads(update.val.json_ietf_val))
except grpc.RpcError as refused:
    print(refused.code().name)
