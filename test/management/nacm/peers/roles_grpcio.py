"""Cells of the matrix by grpcio: messages come and go as octets, as no stock messages of gNMI are installed."""

import base64
import json
import sys

import grpc

request = json.load(sys.stdin)
with open(request["certificate"], "rb") as file:
    channel = grpc.secure_channel(request["target"], grpc.ssl_channel_credentials(file.read()))


def outcome(cell):
    call = channel.unary_unary(f"/gnmi.gNMI/{cell['method']}", request_serializer=None, response_deserializer=None)
    login = [("username", cell["user"]), ("password", request["password"])]
    try:
        answer = call(base64.b64decode(cell["message"]), metadata=login, timeout=30)
        return {"code": "OK", "answer": base64.b64encode(answer).decode()}
    except grpc.RpcError as error:
        return {"code": error.code().name, "details": error.details()}


json.dump([outcome(cell) for cell in request["cells"]], sys.stdout)
