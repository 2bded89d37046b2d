"""Cells of the matrix by ncclient's own methods: a JSON list of cells on standard input, what came of each on standard output."""

import json
import sys

from ncclient import manager
from ncclient.operations import RPCError

request = json.load(sys.stdin)
sessions = {}


def session(user):
    if user not in sessions:
        sessions[user] = manager.connect(
            host=request["host"],
            port=830,
            username=user,
            password=request["password"],
            hostkey_verify=False,
            allow_agent=False,
            look_for_keys=False,
            timeout=30,
        )
    return sessions[user]


def outcome(cell):
    m = session(cell["user"])
    try:
        if cell["kind"] == "read":
            return {"text": m.get_config("running", filter=("subtree", cell["xml"])).data_xml}
        m.edit_config(target="candidate", config=cell["xml"], default_operation="none")
        return {"text": "ok"}
    except RPCError as error:
        return {"tag": error.tag, "path": error.path, "message": error.message}
    finally:
        if cell["kind"] != "read":
            session("admin").discard_changes()


json.dump([outcome(cell) for cell in request["cells"]], sys.stdout)
for opened in sessions.values():
    opened.close_session()
