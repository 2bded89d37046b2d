"""Calls of a gRPC server whose .proto nobody has: messages are made of what its reflection says."""

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

# The messages of reflection itself, by their numbers in its protocol document.
KIND = descriptor_pb2.FieldDescriptorProto
TEXT, OCTETS, NUMBER = KIND.TYPE_STRING, KIND.TYPE_BYTES, KIND.TYPE_INT32
file = descriptor_pb2.FileDescriptorProto(name="reflection", package="r", syntax="proto3")


def message(name, *fields):
    made = file.message_type.add(name=name)
    for number, field, kind, repeated in fields:
        simple = kind if isinstance(kind, int) else KIND.TYPE_MESSAGE
        label = KIND.LABEL_REPEATED if repeated else KIND.LABEL_OPTIONAL
        one = made.field.add(name=field, number=number, type=simple, label=label)
        if isinstance(kind, str):
            one.type_name = ".r." + kind


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


class Router:
    """What a channel leads to. `login`: metadata of each call."""

    def __init__(self, channel, login):
        self.channel, self.login, self.pool, self.files = channel, login, None, {}

    def reflect(self, version, requests):
        method = self.channel.stream_stream("/grpc.reflection." + version + ".ServerReflection/ServerReflectionInfo",
                                            request_serializer=Request.SerializeToString,
                                            response_deserializer=Response.FromString)
        return list(method(iter(requests), metadata=self.login, timeout=20))

    def services(self, version="v1"):
        return [one.name for one in self.reflect(version, [Request(services="*")])[0].services.service]

    def describe(self, symbols):
        """Every file with what it imports goes into one pool, which checks them."""
        for answer in self.reflect("v1", [Request(symbol=name) for name in symbols]):
            for octets in answer.files.octets:
                one = descriptor_pb2.FileDescriptorProto.FromString(octets)
                self.files[one.name] = one
        self.pool = descriptor_pool.DescriptorPool()
        added = set()

        def add(name):
            if name not in added:
                added.add(name)
                for needed in self.files[name].dependency:
                    add(needed)
                self.pool.Add(self.files[name])

        for name in self.files:
            add(name)

    def message(self, name):
        return class_of(self.pool, name)

    def call(self, service, method, request, timeout=20):
        """One answer, or an iterator of them where the method streams."""
        described = self.pool.FindServiceByName(service).methods_by_name[method]
        streams = next(one.server_streaming for one in self.files[described.containing_service.file.name].service[0].method
                       if one.name == method)
        kind = self.channel.unary_stream if streams else self.channel.unary_unary
        answer = class_of(self.pool, described.output_type.full_name)
        made = kind("/" + service + "/" + method, request_serializer=type(request).SerializeToString,
                    response_deserializer=answer.FromString)
        return made(request, metadata=self.login, timeout=timeout)


    def converse(self, service, method, requests, timeout=20):
        """The answers to a stream of requests."""
        described = self.pool.FindServiceByName(service).methods_by_name[method]
        answer = class_of(self.pool, described.output_type.full_name)
        made = self.channel.stream_stream("/" + service + "/" + method, response_deserializer=answer.FromString,
                                          request_serializer=lambda request: request.SerializeToString())
        return made(iter(requests), metadata=self.login, timeout=timeout)


def open_router(target, certificate, user, password):
    with open(certificate, "rb") as opened:
        channel = grpc.secure_channel(target, grpc.ssl_channel_credentials(opened.read()), [("grpc.use_local_subchannel_pool", 1)])
    return Router(channel, [("username", user), ("password", password)])
