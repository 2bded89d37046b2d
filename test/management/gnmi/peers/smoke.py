"""A stock client: the messages of pygnmi, and grpcio. Prints one JSON object of what the router answered.

usage: smoke.py FOLDER-OF-PYGNMI ADDRESS:PORT CERTIFICATE USER PASSWORD
"""

import json
import sys

import grpc

sys.path.insert(0, sys.argv[1])
from pygnmi.create_gnmi_path import gnmi_path_generator  # noqa: E402
from pygnmi.spec.v080 import gnmi_pb2, gnmi_pb2_grpc  # noqa: E402

_, _, target, certificate, user, password = sys.argv
with open(certificate, "rb") as file:
    channel = grpc.secure_channel(target, grpc.ssl_channel_credentials(file.read()))
stub = gnmi_pb2_grpc.gNMIStub(channel)
login = [("username", user), ("password", password)]
told = {}

capabilities = stub.Capabilities(gnmi_pb2.CapabilityRequest(), metadata=login, timeout=20)
told["version"] = capabilities.gNMI_version
told["models"] = [model.name for model in capabilities.supported_models]

path = gnmi_path_generator("semrd-router:router/tenants/tenant[name=acme]/index")
told["origin"] = path.origin
request = gnmi_pb2.GetRequest(path=[path], encoding=gnmi_pb2.JSON_IETF)
update = stub.Get(request, metadata=login, timeout=20).notification[0].update[0]
told["index"] = json.loads(update.val.json_ietf_val)
told["key"] = dict(update.path.elem[2].key)

description = gnmi_path_generator("router/taxonomy/capability[name=/vision/ocr][major-version=1]/description")
value = gnmi_pb2.TypedValue(string_val="set by grpcio")
request = gnmi_pb2.SetRequest(update=[gnmi_pb2.Update(path=description, val=value)])
answer = stub.Set(request, metadata=login, timeout=20)
told["set"] = [gnmi_pb2.UpdateResult.Operation.Name(result.op) for result in answer.response]

subscription = gnmi_pb2.Subscription(path=gnmi_path_generator("router/taxonomy"))
subscribe = gnmi_pb2.SubscriptionList(subscription=[subscription], mode=gnmi_pb2.SubscriptionList.ONCE,
                                      encoding=gnmi_pb2.PROTO)
leaves = {}
syncs = 0
for response in stub.Subscribe(iter([gnmi_pb2.SubscribeRequest(subscribe=subscribe)]), metadata=login, timeout=20):
    if response.sync_response:
        syncs += 1
    for update in response.update.update:
        leaves["/".join(elem.name for elem in update.path.elem)] = update.val.string_val or update.val.uint_val
told["leaves"] = leaves
told["syncs"] = syncs

try:
    request = gnmi_pb2.GetRequest(path=[gnmi_path_generator("router/nonsense")], encoding=gnmi_pb2.JSON_IETF)
    stub.Get(request, metadata=login, timeout=20)
except grpc.RpcError as error:
    told["error"] = [error.code().name, error.details()]

print(json.dumps(told))
