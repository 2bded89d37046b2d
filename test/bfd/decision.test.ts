import assert from "node:assert/strict";
import { it } from "node:test";
import type { BfdChange } from "../../native/api.ts";
import { NEW_PATH, onChange, onSession, type PathState } from "../../src/bfd/decision.ts";

const DOWN: BfdChange = {
  session: 1,
  state: "Down",
  before: "Up",
  diagnostic: 1,
  remoteState: "Up",
  remoteIndependent: false,
  failed: true,
  peerEnded: false,
  stored: true,
  at: 0,
};
const UP: BfdChange = { ...DOWN, state: "Up", before: "Init", diagnostic: 0, failed: false };
const RESTARTING: PathState = { restarting: true, failed: false, unheard: false };
const FAILED: PathState = { restarting: false, failed: true, unheard: false };
const UNHEARD: PathState = { ...FAILED, unheard: true };

const CHANGES = [
  {
    name: "silence is a failure: off, and the speaker hears",
    from: NEW_PATH,
    change: DOWN,
    want: { state: FAILED, effects: { set: "down", fail: { independent: false } } },
  },
  {
    name: "the neighbour says that it hears nothing: off, too",
    from: NEW_PATH,
    change: { ...DOWN, diagnostic: 3, remoteState: "Down" },
    want: { state: UNHEARD, effects: { set: "down", fail: { independent: false } } },
  },
  {
    name: "it hears us again",
    from: UNHEARD,
    change: UP,
    want: { state: NEW_PATH, effects: { set: "up", recover: true } },
  },
  {
    name: "AdminDown of either end is none (RFC 5882 §3.2)",
    from: NEW_PATH,
    change: { ...DOWN, failed: false },
    want: { state: NEW_PATH, effects: {} },
  },
  {
    name: "the kernel says that the peer's process had ended (RFC 5882 §4.3)",
    from: NEW_PATH,
    change: { ...DOWN, peerEnded: true },
    want: { state: NEW_PATH, effects: {} },
  },
  {
    name: "a restarting neighbour without the C bit takes its BFD with it (RFC 5882 §4.3.2)",
    from: RESTARTING,
    change: DOWN,
    want: { state: RESTARTING, effects: {} },
  },
  {
    name: "a restarting neighbour with the C bit does not",
    from: RESTARTING,
    change: { ...DOWN, remoteIndependent: true },
    want: {
      state: { restarting: true, failed: true, unheard: false },
      effects: { set: "down", fail: { independent: true } },
    },
  },
  {
    name: "up after a failure",
    from: FAILED,
    change: UP,
    want: { state: NEW_PATH, effects: { set: "up", recover: true } },
  },
  { name: "up for the first time", from: NEW_PATH, change: UP, want: { state: NEW_PATH, effects: { set: "up" } } },
] as const;
for (const { name, from, change, want } of CHANGES) it(name, () => assert.deepEqual(onChange(from, change), want));

const connection = { local: { address: "::1", port: 179 }, remote: { address: "::2", port: 4000 } };
const SESSIONS = [
  {
    name: "a session that comes up proves the path",
    from: { restarting: true, failed: true, unheard: true },
    news: { type: "established", connection },
    want: { state: NEW_PATH, effects: { set: "up" } },
  },
  {
    name: "routes are retained: what BFD had said too early is taken back",
    from: FAILED,
    news: { type: "ended", retained: true },
    want: { state: RESTARTING, effects: { set: "up" } },
  },
  {
    name: "routes are retained of a neighbour that ends the session because it hears nothing: the way there stays off",
    from: UNHEARD,
    news: { type: "ended", retained: true },
    want: { state: UNHEARD, effects: {} },
  },
  {
    name: "a session that ended otherwise proves nothing",
    from: FAILED,
    news: { type: "ended", retained: false },
    want: { state: FAILED, effects: {} },
  },
] as const;
for (const { name, from, news, want } of SESSIONS) it(name, () => assert.deepEqual(onSession(from, news), want));
