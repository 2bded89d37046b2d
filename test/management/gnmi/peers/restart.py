"""Orders a restart by gNOI, knowing the service by reflection only, and waits until the router says that it was. Prints the
RebootStatus.

usage: restart.py ADDRESS:PORT CERTIFICATE USER PASSWORD METHOD REASON
"""

import sys
import time

import grpc
from google.protobuf import json_format

from reflection_client import open_router

SYSTEM = "gnoi.system.System"
router = open_router(*sys.argv[1:5])
router.describe([SYSTEM])
order = json_format.ParseDict({"method": sys.argv[5], "message": sys.argv[6]}, router.message("gnoi.system.RebootRequest")())
router.call(SYSTEM, "Reboot", order)
deadline = time.monotonic() + 120
while True:
    try:
        # Another channel each time: one that has failed waits for seconds.
        again = open_router(*sys.argv[1:5])
        again.files, again.pool = router.files, router.pool
        status = again.call(SYSTEM, "RebootStatus", router.message("gnoi.system.RebootStatusRequest")())
        if status.count > 0:
            break
    except grpc.RpcError as error:
        if error.code() != grpc.StatusCode.UNAVAILABLE:
            raise
    if time.monotonic() > deadline:
        sys.exit("it did not restart")
    time.sleep(0.05)
print(json_format.MessageToJson(status))
