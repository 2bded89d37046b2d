"""The change of lab/operators by ncclient, step by step and on trial; then its five mistakes. The folder of that as argument."""

import json
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])

import ncclient_change as change  # noqa: E402

with change.connected(json.load(sys.stdin)) as session:
    print(f"session {session.session_id} with {sum(1 for _ in session.server_capabilities)} capabilities")
    with session.locked("candidate"):
        for name, part in (("tenant", change.TENANT), ("agent", change.AGENT), ("neighbour", change.NEIGHBOR)):
            print(f"edit-config, {name}: ok={session.edit_config(change.config(part), target='candidate').ok}")
        print(f"validate: ok={session.validate('candidate').ok}")
        print(f"commit confirmed, 60 s: ok={session.commit(confirmed=True, timeout='60').ok}")
        print(f"commit: ok={session.commit().ok}")
    print(f"copy-config running to startup: ok={session.copy_config('running', 'startup').ok}")
    change.mistakes(session)
print("closed")
