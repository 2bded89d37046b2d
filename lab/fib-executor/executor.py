"""An executor of the FIB service in Python: it holds the plan, as somebody's ASIC would, and forwards nothing.

    protoc --descriptor_set_out=fib.pb -I src/dataplane/fib-service fib.proto      # or: node lab/fib-executor/descriptor.ts fib.pb
    python3 lab/fib-executor/executor.py --proto fib.pb --listen [::1]:9560
    semrd fib-conformance [::1]:9560

grpcio and protobuf are all that it needs. The numbers in the comments are those of the rules in src/dataplane/fib-service/README.md.
"""

import argparse
import collections
import concurrent.futures
import threading

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

VERSION = 2
WINDOW = 1024
SLOTS = 64
PART = 256
TENANT_POLICIES = 4096
INTERNAL, NOT_ALLOWED, NOT_FOUND, TABLE_FULL, UNSUPPORTED, MALFORMED = range(6)
CANNOT = {"connection-affinity": "this executor reads no connection ids"}


class Refused(Exception):
    """An operation that is not carried out: a code, and a sentence for people."""

    def __init__(self, code, reason):
        super().__init__(reason)
        self.code = code


def need(holds, reason, code=NOT_ALLOWED):
    if not holds:
        raise Refused(code, reason)


class Plan:
    """What is in effect: everything that operations made, as the operations that would make it from nothing."""

    def __init__(self, settings, plan_id=b""):
        self.settings, self.plan_id, self.sequence, self.generation = settings, plan_id, 0, 0
        self.refusals = collections.deque(maxlen=WINDOW)
        self.nodes, self.hops, self.groups, self.policies, self.capabilities, self.aggregates = {}, {}, {}, {}, {}, {}
        # How often something is named: what is named is not removed
        self.named = collections.Counter()

    def tables(self):
        return (self.nodes, self.hops, self.groups, self.policies, self.capabilities, self.aggregates)

    def carry_out(self, operation):
        """Rule 4 and 5: whole, or refused without any effect: everything is looked at before anything is changed."""
        kind = operation.WhichOneof("operation")
        need(kind is not None, "an operation of no kind that is known here", MALFORMED)
        getattr(self, kind)(getattr(operation, kind), operation)

    def name(self, before, after):
        self.named.subtract(before)
        self.named.update(after)

    def set_next_hop(self, hop, operation):
        target = hop.WhichOneof("target")
        need(target is not None, "a next hop without a target", MALFORMED)
        need(hop.state in (0, 1, 2), f"{hop.state} is no state", MALFORMED)
        need(target != "tunnel" or len(hop.tunnel) == 16, "an address has 16 octets", MALFORMED)
        need(target != "instance" or len(hop.instance.address) == 16, "an address has 16 octets", MALFORMED)
        need(1 <= hop.index <= 65535, f"{hop.index} is no index of a next hop")
        present = self.hops.get(hop.index)
        if present is not None:
            same = type(hop)()
            same.CopyFrom(hop)
            same.state = present.set_next_hop.state
            need(same == present.set_next_hop, f"next hop {hop.index} lives, and is another one")
        self.hops[hop.index] = operation

    def set_next_hop_state(self, change, _):
        need(change.state in (0, 1, 2), f"{change.state} is no state", MALFORMED)
        need(change.index in self.hops, f"there is no next hop {change.index}")
        self.hops[change.index].set_next_hop.state = change.state

    def set_encapsulation(self, change, _):
        hop = self.hops.get(change.index)
        need(hop is not None, f"there is no next hop {change.index}")
        need(hop.set_next_hop.WhichOneof("target") == "tunnel", f"next hop {change.index} is no tunnel")
        hop.set_next_hop.ClearField("encapsulation")
        if change.HasField("encapsulation"):
            hop.set_next_hop.encapsulation.CopyFrom(change.encapsulation)

    def set_slots(self, change, operation):
        need(len(change.slot) == len(change.current) == len(change.previous), "slots and owners differ in number", MALFORMED)
        need(1 <= change.group <= 65535, f"{change.group} is no index of a group")
        need(all(slot < SLOTS for slot in change.slot), f"a group has {SLOTS} slots")
        need(len(set(change.slot)) == len(change.slot), "a slot is given twice")
        for hop in (change.backup, *change.current, *change.previous):
            need(hop == 0 or hop in self.hops, f"there is no next hop {hop}")
        present = self.groups.get(change.group)
        before = [] if present is None else owners(present)
        whole = type(operation)()
        slots = whole.set_slots
        slots.group, slots.backup = change.group, change.backup
        slots.slot.extend(range(SLOTS))
        for field in ("current", "previous"):
            row = [0] * SLOTS if present is None else list(getattr(present.set_slots, field))
            for slot, owner in zip(change.slot, getattr(change, field)):
                row[slot] = owner
            getattr(slots, field).extend(row)
        self.name(before, owners(whole))
        self.groups[change.group] = whole

    def set_policy(self, policy, operation):
        of_tenant = policy.use == 0
        need(policy.index >= 1 and (policy.index < TENANT_POLICIES) == of_tenant, f"{policy.index} is no index of such a policy")
        present = self.policies.get(policy.index)
        if present is not None:
            same = (present.set_policy.use, present.set_policy.tenant_index) == (policy.use, policy.tenant_index)
            need(same, f"policy {policy.index} lives, and is of somebody else")
        if of_tenant:
            others = (each.set_policy for each in self.policies.values())
            clash = any(each.use == 0 and each.tenant_index == policy.tenant_index and each.index != policy.index for each in others)
            need(not clash, f"tenant {policy.tenant_index} has a policy already")
        self.policies[policy.index] = operation

    def set_capability(self, entry, operation):
        self.inside(entry.address)
        need(entry.affinity <= 3, f"{entry.affinity} is no affinity", MALFORMED)
        need(entry.affinity != 3, CANNOT["connection-affinity"], UNSUPPORTED)
        names = self.leads(entry.address, entry.group, entry.local_group, policy=entry.policy)
        present = self.capabilities.get(entry.address)
        room = present is not None or len(self.capabilities) < self.settings.max_capabilities
        need(room, f"there is room for {self.settings.max_capabilities} capabilities", TABLE_FULL)
        self.name([] if present is None else names_of(present.set_capability), names)
        self.capabilities[entry.address] = operation

    def set_aggregate(self, entry, operation):
        prefix = self.prefix(entry.prefix)
        need(entry.group != 0, "an aggregate leads to a group")
        names = self.leads(entry.prefix.address, entry.group, policy=entry.policy)
        present = self.aggregates.get(prefix)
        self.name([] if present is None else names_of(present.set_aggregate), names)
        self.aggregates[prefix] = operation

    def set_node(self, node, operation):
        need(len(node.locator) == 16, "a locator has 16 octets", MALFORMED)
        self.nodes[node.locator] = operation

    def remove_next_hop(self, index, _):
        self.remove(self.hops, index, ("hop", index), f"next hop {index}")

    def remove_group(self, index, _):
        gone = self.remove(self.groups, index, ("group", index), f"group {index}")
        self.name(owners(gone), [])

    def remove_policy(self, index, _):
        self.remove(self.policies, index, ("policy", index), f"policy {index}")

    def remove_capability(self, address, _):
        need(len(address) == 16, "an address has 16 octets", MALFORMED)
        self.inside(address)
        gone = self.remove(self.capabilities, address, None, "such a capability")
        self.name(names_of(gone.set_capability), [])

    def remove_aggregate(self, prefix, _):
        gone = self.remove(self.aggregates, self.prefix(prefix), None, "such an aggregate")
        self.name(names_of(gone.set_aggregate), [])

    def remove_node(self, locator, _):
        need(len(locator) == 16, "a locator has 16 octets", MALFORMED)
        self.remove(self.nodes, locator, None, "such a node")

    def remove(self, table, key, name, what):
        need(key in table, f"there is no {what}", NOT_FOUND)
        need(name is None or self.named[name] == 0, f"{what} is still named")
        return table.pop(key)

    def inside(self, address):
        need(len(address) == 16, "an address has 16 octets", MALFORMED)
        need(address[:6] == self.settings.domain, "the address is not in the domain")
        need(any(address[6:14]) and set(address[6:14]) != {255}, "the address is reserved")

    def prefix(self, prefix):
        need(len(prefix.address) == 16, "an address has 16 octets", MALFORMED)
        need(prefix.length in (64, 80), "an aggregate ends with a tenant (64) or a family (80)")
        need(prefix.address[:6] == self.settings.domain, "the prefix is not in the domain")
        need(not any(prefix.address[prefix.length // 8 :]), "behind the prefix there are zeros alone")
        return (prefix.address, prefix.length)

    def leads(self, address, *groups, policy):
        for group in groups:
            need(group == 0 or group in self.groups, f"there is no group {group}")
        if policy != 0:
            present = self.policies.get(policy)
            need(present is not None and present.set_policy.use == 1, f"there is no policy {policy} of capabilities")
            tenant = int.from_bytes(address[6:8], "big")
            need(present.set_policy.tenant_index == tenant, f"policy {policy} is of another tenant")
        return [("group", group) for group in groups if group] + ([("policy", policy)] if policy else [])


def owners(group):
    slots = group.set_slots
    return [("hop", hop) for hop in (slots.backup, *slots.current, *slots.previous) if hop]


def names_of(entry):
    groups = [entry.group, getattr(entry, "local_group", 0)]
    return [("group", group) for group in groups if group] + ([("policy", entry.policy)] if entry.policy else [])


class Executor:
    """One plan, one session at a time."""

    def __init__(self, said):
        self.FromExecutor = said
        self.lock = threading.Lock()
        self.held = None
        self.router, self.context = None, None

    def program(self, requests, context):
        session = {"staging": None}
        for message in requests:
            # Never held while the router is slow to read
            with self.lock:
                answers = self.answers(message, context, session)
            for answer in answers:
                yield self.FromExecutor(**answer)

    def answers(self, message, context, session):
        kind = message.WhichOneof("message")
        if kind == "hello":
            return [self.hello(message.hello, context)]
        if self.context is not context:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "Hello comes first")
        staging = session["staging"]
        if kind == "resume" and message.resume.sequence != self.held.sequence:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"it came to {self.held.sequence}")
        if kind == "snapshot_begin":
            session["staging"] = Plan(self.held.settings, message.snapshot_begin.plan_id)
        if kind == "operations":
            return [self.operations(staging or self.held, message.operations, context)]
        if kind == "snapshot_end":
            end = message.snapshot_end
            if staging is None or end.sequence != staging.sequence + 1:
                context.abort(grpc.StatusCode.FAILED_PRECONDITION, "this ends no plan that was begun")
            staging.sequence, staging.generation = end.sequence, end.generation
            # 3: the plan before is in effect until here, and this one from here on
            self.held, session["staging"] = staging, None
            return [{"acknowledged": {"through": end.sequence}}]
        if kind == "health":
            return [self.health(message.health)]
        if kind == "counters":
            return [{"counters": {"number": message.counters.number}}]
        if kind == "ports":
            return [{"ports_done": {"number": message.ports.number, "ports": reports(message.ports.ports)}}]
        if kind == "read":
            number = message.read.number
            held = [each for table in self.held.tables() for each in table.values()]
            parts = [{"number": number, "operations": held[at : at + PART]} for at in range(0, len(held), PART)]
            return [{"held": part} for part in [*parts, {"number": number, "done": True}]]
        return []

    def hello(self, hello, context):
        if self.context is not None and self.context.is_active() and self.router != hello.router:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"it works for {self.router}")
        if self.context not in (None, context):
            self.context.cancel()
        self.router, self.context = hello.router, context
        settings = type(hello.settings)()
        settings.CopyFrom(hello.settings)
        settings.ClearField("ports")
        # 1: a plan that was made with other settings, but ports, is not held
        if self.held is None or self.held.settings != settings:
            self.held = Plan(settings)
        held = self.held
        known = held.plan_id == hello.plan_id
        # 2: what the router never heard of
        unheard = [each for each in held.refusals if known and each["sequence"] > hello.sequence]
        return {
            "welcome": {
                "version": min(hello.version, VERSION),
                "name": "semrd executor in Python",
                "plan_id": held.plan_id,
                "sequence": held.sequence,
                "generation": held.generation,
                "refusals": unheard,
                "window": WINDOW,
                "cannot": [{"feature": feature, "reason": reason} for feature, reason in CANNOT.items()],
                "ports": reports(hello.settings.ports),
            }
        }

    def operations(self, plan, message, context):
        if message.first != plan.sequence + 1:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"operation {message.first} came after {plan.sequence}")
        refusals = []
        for operation in message.operations:
            plan.sequence += 1
            try:
                plan.carry_out(operation)
            except Refused as why:
                refusals.append({"sequence": plan.sequence, "code": why.code, "reason": str(why)})
        plan.refusals.extend(refusals)
        if message.completes:
            plan.generation = message.generation
        return {"acknowledged": {"through": plan.sequence, "refusals": refusals}}

    def health(self, health):
        # 6: the same state that set_next_hop_state sets
        hop = self.held.hops.get(health.next_hop)
        if hop is not None:
            hop.set_next_hop.state = health.state
        refused = "" if hop is not None else f"there is no next hop {health.next_hop}"
        return {"health_done": {"number": health.number, "refused": refused}}


def reports(ports):
    return [{"interface": port.interface, "attached": False, "reason": "it forwards nothing"} for port in ports]


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    arguments.add_argument("--proto", required=True, help="fib.proto as a descriptor set")
    arguments.add_argument("--listen", default="[::1]:9560")
    given = arguments.parse_args()
    pool = descriptor_pool.DescriptorPool()
    with open(given.proto, "rb") as file:
        for each in descriptor_pb2.FileDescriptorSet.FromString(file.read()).file:
            pool.Add(each)
    made = getattr(message_factory, "GetMessageClass", None) or message_factory.MessageFactory(pool).GetPrototype
    heard, said = (made(pool.FindMessageTypeByName(f"semrd.fib.v1.{name}")) for name in ("ToExecutor", "FromExecutor"))
    executor = Executor(said)
    method = grpc.stream_stream_rpc_method_handler(
        executor.program, request_deserializer=heard.FromString, response_serializer=said.SerializeToString
    )
    # A thread for each session: the one before ends when its router begins another
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=8))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("semrd.fib.v1.FibExecutor", {"Program": method}),))
    port = server.add_insecure_port(given.listen)
    server.start()
    print(f"listening on {given.listen[: given.listen.rindex(':')]}:{port}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
