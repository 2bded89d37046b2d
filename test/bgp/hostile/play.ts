import { fromHex, octetsEqual, toHex } from "../../../src/base/index.ts";
import { encodeKeepalive } from "../../../src/bgp/wire/index.ts";
import type { AttributeSet } from "../../../src/rib/index.ts";
import type { Router } from "../speaker/router.ts";
import {
  ALL_TARGETS,
  before,
  type Case,
  HOSTILE_ID,
  KEYS,
  NEW_HOP,
  NEW_HOP4,
  type Outcome,
  type Target,
} from "./case.ts";
import type { Stage } from "./stage.ts";

const ACTIONS = ["attribute-discard", "treat-as-withdraw", "disable-family", "session-reset"] as const;
type Action = (typeof ACTIONS)[number];

const ACTION: Readonly<Record<Exclude<Outcome, object>, Action | undefined>> = {
  accept: undefined,
  keep: undefined,
  refuse: undefined,
  discard: "attribute-discard",
  withdraw: "treat-as-withdraw",
  disable: "disable-family",
};

type Presence = "new" | "old" | "absent";

interface Known {
  readonly target: Presence;
  readonly other: boolean;
  readonly attributes: AttributeSet | undefined;
}

/** What the router has of the hostile neighbour's two routes of a family. */
function known(router: Router, family: Target): Known {
  const rows =
    family === "capability"
      ? router
          .rows()
          .filter(({ originId }) => originId === HOSTILE_ID)
          .map(({ key, attributes }) => ({ key: toHex(key), attributes }))
      : Array.from(router.rib.unicast(family).rowsOf({}), ({ address, length, attributes }) => ({
          key: toHex(Uint8Array.of(length, ...address.subarray(0, (length + 7) >> 3))),
          attributes,
        }));
  const [own, another] = KEYS[family];
  const target = rows.find(({ key }) => key === own)?.attributes;
  const hop = fromHex(family === "ipv4-unicast" ? NEW_HOP4 : NEW_HOP);
  const isNew = target !== undefined && octetsEqual(target.nextHop.subarray(16 - hop.length), hop);
  return {
    target: target === undefined ? "absent" : isNew ? "new" : "old",
    other: rows.some(({ key }) => key === another),
    attributes: target,
  };
}

/** Whether a set has the attribute with this code. */
function has(set: AttributeSet, code: number): boolean {
  const typed: Readonly<Record<number, unknown>> = {
    5: undefined, // a preference of this router's own may be there
    9: set.originatorId,
    10: set.clusterList,
  };
  return typed[code] !== undefined || set.opaque.some((attribute) => attribute.code === code);
}

/** Plays one case with neighbour number `index`: what came out differently than it should, or `undefined`. */
export async function play(stage: Stage, index: number, row: Case): Promise<string | undefined> {
  const { router } = stage;
  const address = stage.addressOf(index);
  const count = (action: Action): number => router.metrics.sum("semrd_bgp_malformed_total", { peer: address, action });
  const status = () => router.peer(address);
  const peer = await stage.connect(index);
  peer.open(row.kind);
  await stage.settle(`${row.name}: a session`, () => status().state === "Established" || peer.closed !== undefined);
  for (const body of before(row.kind)) peer.update(body);
  await stage.settle(`${row.name}: the routes before`, () => status().routesReceived === 2 * ALL_TARGETS.length);
  const told = status().messagesReceived;
  peer.update(row.body);
  peer.say(encodeKeepalive());
  const isOver = (): boolean => peer.closed !== undefined;
  await stage.settle(`${row.name}: an outcome`, () => isOver() || status().messagesReceived === told + 2);
  if (isOver()) await stage.settle(`${row.name}: the end`, () => status().routesReceived === 0);

  const wrong = isOver() ? afterReset(row, peer.notifications) : afterwards(stage, row);
  const { outcome } = row;
  const action = typeof outcome === "object" ? "session-reset" : row.clean === true ? undefined : ACTION[outcome];
  const strongest = action === undefined ? (row.clean === true ? 0 : -1) : ACTIONS.indexOf(action);
  if (action !== undefined && count(action) === 0) wrong.push(`${action} is not counted`);
  for (const harder of ACTIONS.slice(strongest + 1)) if (count(harder) > 0) wrong.push(`${harder} is counted`);
  if (row.counts !== undefined) {
    const [name, label, value] = row.counts;
    const labels = { peer: address, ...(label === "" ? {} : { [label]: value }) };
    if (router.metrics.sum(name, labels) === 0) wrong.push(`${name} ${value} is not counted`);
  }
  if (typeof outcome === "object" && status().lastSent === undefined) wrong.push("the error is not shown");

  stage.assertInnocent();
  await peer.close();
  await stage.settle(`${row.name}: gone`, () => status().routesReceived === 0);
  return wrong.length === 0 ? undefined : `${row.name} (${row.see}; ${row.kind}): ${wrong.join(", ")}`;
}

function afterReset({ outcome }: Case, notifications: readonly string[]): string[] {
  const last = notifications.at(-1) ?? "nothing said";
  if (typeof outcome !== "object") return [`session reset (${last}) instead of ${outcome}`];
  return last === outcome.reset ? [] : [`NOTIFICATION ${last} instead of ${outcome.reset}`];
}

function afterwards({ router }: Stage, { outcome, target: family, gone }: Case): string[] {
  const wrong: string[] = [];
  const { target, other, attributes } = known(router, family);
  const seen = `${target}${other ? "" : ", and the other route is gone"}`;
  if (typeof outcome === "object") return [`no session reset: the route is ${seen}`];
  const wanted = {
    accept: "new",
    discard: "new",
    keep: "old",
    refuse: "absent",
    withdraw: "absent",
    disable: "absent",
  };
  if (target !== wanted[outcome] || other === (outcome === "disable")) wrong.push(`${outcome}: the route is ${seen}`);
  if (gone !== undefined && attributes !== undefined && has(attributes, gone)) wrong.push(`attribute ${gone} stayed`);
  for (const another of ALL_TARGETS) {
    if (another === family) continue;
    const { target: first, other: second } = known(router, another);
    if (first === "absent" || !second) wrong.push(`routes of ${another} are gone`);
  }
  return wrong;
}
