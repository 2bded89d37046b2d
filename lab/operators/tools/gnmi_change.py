"""The change in one Set of gNMI: login on standard input as JSON; "site" as argument for what only r2 gets.

grpcio and protobuf are all that it has: the messages are those that the router's reflection describes.
"""

import json
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

AGENT = "spiffe://example.net/globex/agent/reader"
CHANGE = {
    "tenants/tenant[name=globex]": {
        "index": 2,
        "route-distinguisher": "0:65000:2",
        "import-target": ["65000:2"],
        "export-target": ["65000:2"],
    },
    "tenant-policies/tenant[name=globex]/rule[name=acme-reads]": {"from": ["acme"], "capability": ["/vision/ocr"]},
}
SITE = {
    f"agents/agent[id={AGENT}]": {
        "tenant": "globex",
        "capability": [{"name": "/vision/ocr", "major-version": 1, "address": "fd00:a:22::10", "port": 8080}],
    },
    "bgp/neighbors/neighbor[address=fd00:0:2::c]": {"remote-as": 65000, "passive": True},
}
MISTAKES = {
    "a tenant that is not there": {f"agents/agent[id={AGENT}]": {"tenant": "nobody"}},
    "an element that is not there": {"tenants/tenant[name=globex]": {"indx": 2}},
    "a value of the wrong type": {"tenants/tenant[name=globex]": {"index": "two"}},
    "a container that is not there": {"tennants/tenant[name=globex]": {"index": 2}},
    "a list entry without its key": {"tenants/tenant": {"index": 2}},
}


def varint(number):
    octets = b""
    while number > 127:
        octets += bytes([number & 127 | 128])
        number >>= 7
    return octets + bytes([number])


def parts(message):
    """Fields of a message whose fields all have a length: (number, octets)."""
    at = 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            octet = message[at]
            at += 1
            value |= (octet & 127) << shift
            shift += 7
            if octet < 128:
                return value

    while at < len(message):
        field, length = number() >> 3, number()
        yield field, message[at : at + length]
        at += length


def described(channel, login, symbol):
    """The classes of the messages of the file that has `symbol`, by their names."""
    call = channel.stream_stream("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")
    asked = b"\x22" + varint(len(symbol)) + symbol.encode()  # file_containing_symbol = 4
    pool = descriptor_pool.DescriptorPool()
    files = {}
    for answer in call(iter([asked]), metadata=login, timeout=20):
        for field, value in parts(answer):
            if field == 4:  # file_descriptor_response
                for _, octets in parts(value):
                    file = descriptor_pb2.FileDescriptorProto.FromString(octets)
                    files[file.name] = file

    def add(name):
        file = files.pop(name, None)
        if file is not None:
            for needed in file.dependency:
                add(needed)
            pool.Add(file)

    for name in list(files):
        add(name)
    factory = message_factory.MessageFactory(pool)
    get = getattr(message_factory, "GetMessageClass", factory.GetPrototype)
    return lambda name: get(pool.FindMessageTypeByName(name))


def elements(text):
    """tenants/tenant[name=globex] as the elements of a path; what is in brackets may have slashes."""
    found, word, depth = [], "", 0
    for letter in text + "/":
        depth += (letter == "[") - (letter == "]")
        if letter != "/" or depth > 0:
            word += letter
            continue
        name, _, keys = word.partition("[")
        pairs = [pair.split("=", 1) for pair in keys.rstrip("]").split("][") if pair]
        found.append({"name": name, "key": dict(pairs)})
        word = ""
    return found


def main():
    login = json.load(sys.stdin)
    user = [("username", login["user"]), ("password", login["password"])]
    trust = grpc.ssl_channel_credentials(login["authority"].encode())
    name = [("grpc.ssl_target_name_override", login["name"])]
    with grpc.secure_channel(f"{login['host']}:9339", trust, name) as channel:
        message = described(channel, user, "gnmi.gNMI")
        answer = message("gnmi.SetResponse")
        call = channel.unary_unary(
            "/gnmi.gNMI/Set", request_serializer=lambda request: request.SerializeToString(), response_deserializer=answer.FromString
        )

        def change(updates):
            request = message("gnmi.SetRequest")()
            json_format.ParseDict({"prefix": {"elem": [{"name": "router"}]}}, request)
            for path, value in updates.items():
                update = request.update.add()
                json_format.ParseDict({"elem": elements(path)}, update.path)
                update.val.json_ietf_val = json.dumps(value).encode()
            return call(request, metadata=user, timeout=30)

        if "mistakes" in sys.argv:
            for title, updates in MISTAKES.items():
                try:
                    change(updates)
                    print(f"{title}: accepted")
                except grpc.RpcError as error:
                    print(f"{title}: {error.code().name} {error.details()}")
        else:
            for result in change({**CHANGE, **(SITE if "site" in sys.argv else {})}).response:
                operation = type(result).DESCRIPTOR.fields_by_name["op"].enum_type.values_by_number[result.op].name
                path = "/".join(elem.name + "".join(f"[{k}={v}]" for k, v in elem.key.items()) for elem in result.path.elem)
                print(f"{operation} {path}")


main()
