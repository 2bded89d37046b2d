"""A client that knows no .proto of the router: it asks the router itself, and calls with what that has said.
Prints one JSON object of what was answered.

usage: reflected.py ADDRESS:PORT CERTIFICATE USER PASSWORD
"""

import json
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

_, target, certificate, user, password = sys.argv
login = [("username", user), ("password", password)]

# The messages of reflection itself, by their numbers in its protocol document.
KIND = descriptor_pb2.FieldDescriptorProto
file = descriptor_pb2.FileDescriptorProto(name="reflection", package="r", syntax="proto3")


def message(name, *fields):
    made = file.message_type.add(name=name)
    for number, field, kind, repeated in fields:
        simple = kind if isinstance(kind, int) else KIND.TYPE_MESSAGE
        label = KIND.LABEL_REPEATED if repeated else KIND.LABEL_OPTIONAL
        one = made.field.add(name=field, number=number, type=simple, label=label)
        if isinstance(kind, str):
            one.type_name = ".r." + kind


TEXT, OCTETS, NUMBER = KIND.TYPE_STRING, KIND.TYPE_BYTES, KIND.TYPE_INT32
message("Extension", (1, "type", TEXT, False), (2, "number", NUMBER, False))
message("Request", (3, "file", TEXT, False), (4, "symbol", TEXT, False), (5, "extension", "Extension", False),
        (6, "numbers", TEXT, False), (7, "services", TEXT, False))
message("Files", (1, "octets", OCTETS, True))
message("Numbers", (1, "type", TEXT, False), (2, "number", NUMBER, True))
message("Service", (1, "name", TEXT, False))
message("Services", (1, "service", "Service", True))
message("Error", (1, "code", NUMBER, False), (2, "message", TEXT, False))
message("Response", (4, "files", "Files", False), (5, "numbers", "Numbers", False), (6, "services", "Services", False),
        (7, "error", "Error", False))
own = descriptor_pool.DescriptorPool()
own.Add(file)


def class_of(pool, name):
    descriptor = pool.FindMessageTypeByName(name)
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    return message_factory.MessageFactory(pool).GetPrototype(descriptor)


Request, Response = class_of(own, "r.Request"), class_of(own, "r.Response")
with open(certificate, "rb") as opened:
    channel = grpc.secure_channel(target, grpc.ssl_channel_credentials(opened.read()))


def reflect(version, requests):
    method = channel.stream_stream("/grpc.reflection." + version + ".ServerReflection/ServerReflectionInfo",
                                   request_serializer=Request.SerializeToString,
                                   response_deserializer=Response.FromString)
    return list(method(iter(requests), metadata=login, timeout=20))


told = {}
for version in ("v1", "v1alpha"):
    answer = reflect(version, [Request(services="*")])[0]
    told[version] = [service.name for service in answer.services.service]

# Every file with what it imports goes into one pool, which checks them.
found = {}
for answer in reflect("v1", [Request(symbol=name) for name in told["v1"]]):
    for octets in answer.files.octets:
        one = descriptor_pb2.FileDescriptorProto.FromString(octets)
        found[one.name] = one
pool = descriptor_pool.DescriptorPool()
added = set()


def add(name):
    if name in added:
        return
    added.add(name)
    for needed in found[name].dependency:
        add(needed)
    pool.Add(found[name])


for name in found:
    add(name)
told["files"] = sorted(added)
told["methods"] = {name: [method.name for method in pool.FindServiceByName(name).methods] for name in told["v1"]}

Get, GotIt = class_of(pool, "gnmi.GetRequest"), class_of(pool, "gnmi.GetResponse")
request = json_format.ParseDict({"path": [{"elem": [
    {"name": "router"}, {"name": "tenants"}, {"name": "tenant", "key": {"name": "acme"}}, {"name": "index"},
]}], "encoding": "JSON_IETF"}, Get())
get = channel.unary_unary("/gnmi.gNMI/Get", request_serializer=Get.SerializeToString,
                          response_deserializer=GotIt.FromString)
update = get(request, metadata=login, timeout=20).notification[0].update[0]
told["index"] = json.loads(update.val.json_ietf_val)

extended = "google.protobuf.FileOptions"
answers = reflect("v1", [Request(numbers=extended), Request(extension={"type": extended, "number": 1001}),
                         Request(symbol="nothing.at.All"), Request(file="no.proto")])
told["numbers"] = list(answers[0].numbers.number)
told["extension"] = descriptor_pb2.FileDescriptorProto.FromString(answers[1].files.octets[0]).name
told["errors"] = [[answer.error.code, answer.error.message] for answer in answers[2:]]
print(json.dumps(told))
