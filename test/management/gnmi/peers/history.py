"""What a leaf was at a time, and how it changed in a range, knowing gNMI by reflection only. Prints one JSON object.

usage: history.py ADDRESS:PORT CERTIFICATE USER PASSWORD LEAF START END
"""

import json
import sys

from google.protobuf import json_format

from reflection_client import open_router

router = open_router(*sys.argv[1:5])
router.describe(["gnmi.gNMI"])
leaf, start, end = sys.argv[5:8]
Request = router.message("gnmi.SubscribeRequest")
elem = json.loads(leaf)


def ask(mode, history):
    request = json_format.ParseDict({
        "subscribe": {"mode": mode, "encoding": "JSON_IETF", "subscription": [{"path": {"elem": elem}}]},
        "extension": [{"history": history}],
    }, Request())
    told = []
    for answer in router.converse("gnmi.gNMI", "Subscribe", [request]):
        told += [[str(answer.update.timestamp), json.loads(one.val.json_ietf_val)] for one in answer.update.update]
        told += [[str(answer.update.timestamp), None] for _ in getattr(answer.update, "delete")]
        if answer.sync_response:
            told.append("sync")
    return told


print(json.dumps({"at": ask("ONCE", {"snapshotTime": start}),
                  "since": ask("STREAM", {"range": {"start": start, "end": end}})}))
