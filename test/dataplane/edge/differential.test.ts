import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { toHex } from "../../../src/base/index.ts";
import { EDGE_VERDICTS, type EdgeVerdict } from "../../../src/dataplane/abi.ts";
import { processAtEdge } from "../../../src/dataplane/memory/edge/index.ts";
import { whyNoPass } from "../pass/bench.ts";
import { PACKET, type Packet } from "./arbitrary.ts";
import { Model, Programs } from "./world.ts";

const RUNS = Number(process.env.SEMR_DIFFERENTIAL_RUNS ?? 1500);
const SEED = Number(process.env.SEMR_DIFFERENTIAL_SEED ?? Math.floor(Math.random() * 0x7fffffff));
/** BPF_PROG_RUN refuses to make a socket buffer of less: it reads the header that the type names. */
const LEAST_FRAME = { 2048: 14 + 20, 34525: 14 + 40 } as Readonly<Record<number, number>>;
/** A frame that cannot be resized. */
const OUT_OF_REACH = new Set<EdgeVerdict>(["edge-drop-no-headroom", "edge-drop-checksum"]);

/** Zero and minus zero of one's complement are the same checksum. */
function comparable(frame: Uint8Array): string {
  const copy = frame.slice();
  const is4 = copy[12] === 8;
  const l4 = is4 ? 34 : 54;
  const protocol = is4 ? copy[23]! : copy[20]!;
  const at = { 6: l4 + 16, 1: l4 + 2, 58: l4 + 2 }[protocol];
  const quoted = l4 + 8;
  const inner = is4 ? copy[quoted + 9] : copy[quoted + 6];
  const quotedL4 = quoted + (is4 ? 20 : 40);
  const innerAt = protocol === 6 || protocol === 17 ? undefined : { 6: quotedL4 + 16, 1: quotedL4 + 2 }[inner ?? 0];
  for (const place of [at, innerAt])
    if (place !== undefined && place + 1 < copy.length && copy[place] === 0 && copy[place + 1] === 0)
      copy.fill(0xff, place, place + 2);
  return toHex(copy);
}

/** By chance in the program; the model is told. */
function identificationOf(frame: Uint8Array): number {
  return frame[12] === 8 ? (frame[18]! << 8) | frame[19]! : 0;
}

function compare(programs: Programs, packets: readonly Packet[], tally: Map<EdgeVerdict, number>): void {
  programs.reset();
  const model = new Model();
  for (const { place, role, frame } of packets) {
    if (frame.length < (LEAST_FRAME[(frame[12]! << 8) | frame[13]!] ?? 14)) continue;
    const seen = programs.run(place, role, frame);
    const outcome = processAtEdge(model.state, { place, role, frame, identification: identificationOf(seen.frame) });
    for (const effect of outcome.effects) {
      if (effect.type === "set-guest") model.guests.set(effect.address, effect.value);
      else model.fragments.add(effect.key);
    }
    const about = `${place} ${role} frame ${toHex(frame)}`;
    assert.equal(seen.verdict, outcome.verdict, about);
    assert.equal(seen.action, outcome.verdict.startsWith("edge-drop-") ? 2 : -1, `action: ${about}`);
    if (!outcome.verdict.startsWith("edge-drop-"))
      assert.equal(comparable(seen.frame), comparable(outcome.frame), `${outcome.verdict}: ${about}`);
    const guests = new Map([...model.guests].map(([at, { client }]) => [at, toHex(client)]));
    assert.deepEqual(programs.guests(), guests, `guests: ${about}`);
    assert.deepEqual(programs.fragments(), model.fragments, `fragments: ${about}`);
    tally.set(outcome.verdict, (tally.get(outcome.verdict) ?? 0) + 1);
  }
}

test(`edge: programs and model do the same with ${RUNS} × 6 random packets`, async (t) => {
  const reason = whyNoPass();
  if (reason !== undefined) return t.skip(`skipped: ${reason}`);
  t.diagnostic(`seed ${SEED}`);
  using programs = await Programs.load();
  const tally = new Map<EdgeVerdict, number>();
  const property = fc.property(fc.array(PACKET, { minLength: 6, maxLength: 6 }), (packets) =>
    compare(programs, packets, tally),
  );
  fc.assert(property, { numRuns: RUNS, seed: SEED });
  t.diagnostic(JSON.stringify(Object.fromEntries(tally)));
  const missed = EDGE_VERDICTS.filter((verdict) => !OUT_OF_REACH.has(verdict) && !tally.has(verdict));
  assert.deepEqual(missed, [], "verdicts that no packet met");
});
