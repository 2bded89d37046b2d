import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compileBpf } from "../../../tools/build-dataplane.mjs";
import { type MeasuredObject, measureObjects } from "./compare.ts";
import { type Row, row } from "./figures.ts";
import { BUILD, PASS_PATH, PASS_SOURCES } from "./places.ts";

interface Edit {
  readonly file: string;
  /** Once in that file. */
  readonly from: string;
  readonly to: string;
}

/** A part of the pass, and what to write so that it is not there, or a constant is in its place. */
export interface Part {
  readonly name: string;
  readonly edits: readonly Edit[];
}

const NO_SILENCE: Edit = {
  file: "choose.h",
  from: "	if (hop->kind != SEMR_TUNNEL)\n		return false;\n	after =",
  to: "	if (true)\n		return false;\n	after =",
};
const NO_VERDICT: Edit = {
  file: "count.h",
  from: "	if (!counter)\n		return 0;\n	*counter += 1;\n	return *counter;",
  to: "	return counter ? 1 : 0;",
};

export const PARTS: readonly Part[] = [
  {
    name: "capability lookup (a group by the address instead)",
    edits: [
      {
        file: "choose.h",
        from: "	__u32 at = sought.home & semr_capability_mask;\n	struct semr_capability_line *line;\n\n	line = bpf_map_lookup_elem(&capabilities, &at);\n	return line && is_key(sought.key) && has(line, &sought, packet);",
        to: "\n	packet->group = 1 + (sought.key >> 40 & 63);\n	return true;",
      },
    ],
  },
  {
    name: "group slot, next hop, liveness (one next hop instead)",
    edits: [
      {
        file: "choose.h",
        from: "	struct semr_group *group = group_at(packet->group);\n	struct semr_next_hop *hop;\n	struct semr_slot slot;\n\n	if (!group)\n		return NULL;\n	slot = slot_at(group, packet->hash);\n	if (slot.current != slot.previous)\n		return NULL;\n	*index = slot.current;\n	hop = next_hop_at(*index);\n	if (!hop || READ_ONCE(hop->state) != SEMR_UP || is_silent(hop))\n		return NULL;\n	return hop;",
        to: "	*index = 1;\n	return next_hop_at(1);",
      },
    ],
  },
  { name: "… of which has it fallen silent", edits: [NO_SILENCE] },
  {
    name: "flow hash (the client's port instead)",
    edits: [
      {
        file: "spread.h",
        from: "	packet->hash = flow_hash(&packet->flow);",
        to: "	packet->hash = packet->flow.client_port * 0x10001U;",
      },
    ],
  },
  {
    name: "the kernel's way: jiffies, and asking again",
    edits: [
      {
        file: "route.h",
        from: "	return bpf_jiffies64() - way->asked < SEMR_WAY_JIFFIES;",
        to: "	return way->asked;",
      },
    ],
  },
  {
    name: "counters: verdict, next hop",
    edits: [
      NO_VERDICT,
      {
        file: "count.h",
        from: "	counters->packets += packet->packets;\n	counters->octets += packet->length;\n	counters->flows += new_flow;",
        to: "	counters->flows += new_flow && !index;",
      },
    ],
  },
  {
    name: "source check",
    edits: [
      { file: "admit.h", from: "	if (is_bad_source(packet->flow.client))\n		return SEMR_DROP_SOURCE;\n", to: "" },
    ],
  },
  {
    name: "tests for what nothing here uses: MSS clamp, fragments, policy, tenant's counters, events",
    edits: [
      { file: "clamp.h", from: "	return packet->port.flags & SEMR_PORT_CLAMP &&", to: "	return false &&" },
      {
        file: "police.h",
        from: "	return is_fragment(packet) && !(packet->flags",
        to: "	return false && !(packet->flags",
      },
      {
        file: "semr.bpf.c",
        from: "	if (packet->policed &&\n	    (packet->foreign || packet->policy || packet->port.policy)) {",
        to: "	if (false) {",
      },
      { file: "semr.bpf.c", from: "	if (packet->policed)\n		count_tenant(packet);\n", to: "" },
      { file: "events.h", from: "	if (packet->new_flow) {\n		__u32 mask", to: "	if (false) {\n		__u32 mask" },
      {
        file: "events.h",
        from: "	} else if (packet->verdict >= SEMR_REJECT_NO_ROUTE) {",
        to: "	} else if (false) {",
      },
    ],
  },
];

/** The sources without a part. @throws {Error} where they are not what the edits were written for. */
export function without({ name, edits }: Part): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const { file, from, to } of edits) {
    const [before, after, ...more] = (files.get(file) ?? readFileSync(join(PASS_SOURCES, file), "utf8")).split(from);
    if (after === undefined || more.length > 0)
      throw new Error(`${file} has not exactly one place to take "${name}" out: ${JSON.stringify(from)}`);
    files.set(file, `${before}${to}${after}`);
  }
  return files;
}

/** Compiles the pass without each part, where that is not there yet; by name. */
export async function buildParts(): Promise<ReadonlyMap<string, string>> {
  const objects = new Map([["whole pass", PASS_PATH]]);
  const sources = [import.meta.filename, ...readdirSync(PASS_SOURCES).map((name) => join(PASS_SOURCES, name))];
  const newest = Math.max(...sources.map((file) => statSync(file).mtimeMs));
  for (const [i, part] of PARTS.entries()) {
    const folder = join(BUILD, `without-${i}`);
    const object = join(folder, "semr.bpf.o");
    objects.set(part.name, object);
    if (existsSync(object) && statSync(object).mtimeMs > newest) continue;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const changed = without(part);
    for (const file of readdirSync(PASS_SOURCES).filter((name) => /\.[ch]$/.test(name)))
      if (changed.has(file)) writeFileSync(join(folder, file), changed.get(file)!);
      else cpSync(join(PASS_SOURCES, file), join(folder, file));
    await compileBpf(join(folder, "semr.bpf.c"), object);
  }
  return objects;
}

/** What each part of the pass costs: the whole pass less the pass without it, round by round. */
export async function measureParts(rounds: number): Promise<Row[]> {
  const objects = await buildParts();
  const subjects = await measureObjects([...objects.values()], rounds, ["itself"]);
  return [100, 100_000].flatMap((capabilities) => {
    const [whole, ...others] = [...objects.keys()].map((_, object) => {
      const its = (one: MeasuredObject) =>
        one.object === object && one.capabilities === capabilities && one.how === "itself";
      return subjects.find(its)!.times;
    });
    return [
      row(`whole pass, sends by itself, ${capabilities} capabilities`, "ns", whole!),
      ...others.map((times, i) =>
        row(
          `  ${PARTS[i]!.name}`,
          "ns",
          times.map((time, round) => whole![round]! - time),
        ),
      ),
    ];
  });
}
