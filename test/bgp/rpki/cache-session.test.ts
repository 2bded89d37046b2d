import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type CacheEvent, type CacheState, NEW_CACHE, stepCache } from "../../../src/bgp/rpki/cache-session.ts";
import { DEFAULT_INTERVALS, type Pdu } from "../../../src/bgp/rpki/wire/index.ts";

const HELD = { sessionId: 7, serial: 5 };
const pdu = (what: Pdu, version = 1): CacheEvent => ({ type: "pdu", version, pdu: what });
const RESPONSE = (sessionId = 7): CacheEvent => pdu({ type: "cache-response", sessionId });
const END = (sessionId = 7, serial = 6, intervals = DEFAULT_INTERVALS): CacheEvent =>
  pdu({ type: "end-of-data", sessionId, serial, intervals });

/** The state after these events, and what had to be done in the last step, in a few words. */
function after(start: CacheState, ...events: CacheEvent[]): { readonly state: CacheState; readonly did: string[] } {
  let state = start;
  let did: string[] = [];
  for (const event of events) {
    const step = stepCache(state, event);
    state = step.state;
    did = step.effects.map((effect) => {
      switch (effect.type) {
        case "send":
          return `send ${effect.pdu.type}${"serial" in effect.pdu ? ` ${effect.pdu.serial}` : ""}`;
        case "report":
          return `report ${effect.code}`;
        case "arm":
          return `arm ${effect.timer} ${effect.seconds}`;
        case "disarm":
          return `disarm ${effect.timer}`;
        case "begin":
          return effect.full ? "begin full" : "begin delta";
        case "flush":
          return `flush ${effect.reason}`;
        case "close":
          return effect.soon ? "close soon" : "close";
        default:
          return effect.type;
      }
    });
  }
  return { state, did };
}

const CONNECTED = after(NEW_CACHE, { type: "connected" }).state;
const SYNCHRONISED = after(CONNECTED, RESPONSE(), END(7, 5), { type: "loaded" }).state;
const DROPPED = ["discard", "disarm refresh", "disarm answer"];

const STEPS: readonly {
  readonly name: string;
  readonly see: string;
  readonly from: CacheState;
  readonly events: readonly CacheEvent[];
  readonly did: readonly string[];
  readonly phase: CacheState["phase"];
  readonly held?: CacheState["held"];
}[] = [
  {
    name: "a first connection asks for everything",
    see: "§8.1",
    from: NEW_CACHE,
    events: [{ type: "connected" }],
    did: ["send reset-query", "disarm refresh", "arm answer 60"],
    phase: "asking",
  },
  {
    name: "the answer begins",
    see: "§8.1",
    from: CONNECTED,
    events: [RESPONSE()],
    did: ["begin full", "arm answer 60"],
    phase: "receiving",
  },
  {
    name: "and ends",
    see: "§8.1",
    from: CONNECTED,
    events: [RESPONSE(), END()],
    did: ["disarm answer", "load"],
    phase: "loading",
  },
  {
    name: "what is loaded is refreshed and expires",
    see: "§6",
    from: CONNECTED,
    events: [RESPONSE(), END(), { type: "loaded" }],
    did: ["arm refresh 3600", "arm expire 7200"],
    phase: "synchronised",
    held: { sessionId: 7, serial: 6 },
  },
  {
    name: "intervals out of bounds are brought into them, and data does not expire before it can be refreshed",
    see: "§6",
    from: CONNECTED,
    events: [RESPONSE(), END(7, 6, { refresh: 100_000, retry: 0, expire: 1 }), { type: "loaded" }],
    did: ["arm refresh 86400", "arm expire 86401"],
    phase: "synchronised",
    held: { sessionId: 7, serial: 6 },
  },
  {
    name: "a notification of a newer serial is asked about",
    see: "§8.2",
    from: SYNCHRONISED,
    events: [pdu({ type: "serial-notify", sessionId: 7, serial: 6 })],
    did: ["send serial-query 5", "disarm refresh", "arm answer 60"],
    phase: "asking",
    held: HELD,
  },
  {
    name: "one of the serial that is held is not",
    see: "§5.2",
    from: SYNCHRONISED,
    events: [pdu({ type: "serial-notify", sessionId: 7, serial: 5 })],
    did: [],
    phase: "synchronised",
    held: HELD,
  },
  {
    name: "one that comes while data is loaded is not lost",
    see: "§5.2",
    from: CONNECTED,
    events: [RESPONSE(), END(), pdu({ type: "serial-notify", sessionId: 7, serial: 7 }), { type: "loaded" }],
    did: ["arm refresh 3600", "arm expire 7200", "send serial-query 6", "disarm refresh", "arm answer 60"],
    phase: "asking",
    held: { sessionId: 7, serial: 6 },
  },
  {
    name: "one before the version is agreed is ignored",
    see: "§7",
    from: CONNECTED,
    events: [pdu({ type: "serial-notify", sessionId: 9, serial: 1 }, 0)],
    did: [],
    phase: "asking",
  },
  {
    name: "the refresh timer asks for what is new",
    see: "§8.2",
    from: SYNCHRONISED,
    events: [{ type: "timer", timer: "refresh" }, RESPONSE()],
    did: ["begin delta", "arm answer 60"],
    phase: "receiving",
    held: HELD,
  },
  {
    name: "a Cache Reset leads to a Reset Query, and what is held stays",
    see: "§8.3",
    from: SYNCHRONISED,
    events: [{ type: "timer", timer: "refresh" }, pdu({ type: "cache-reset" })],
    did: ["send reset-query", "arm answer 60"],
    phase: "asking",
    held: HELD,
  },
  {
    name: "another session ID: everything of the cache goes, and it is asked anew",
    see: "§5.1",
    from: SYNCHRONISED,
    events: [{ type: "timer", timer: "refresh" }, RESPONSE(8)],
    did: ["report 0", "flush corrupt", "disarm expire", ...DROPPED, "close soon"],
    phase: "down",
  },
  {
    name: "another one in End of Data: the same",
    see: "§5.1",
    from: CONNECTED,
    events: [RESPONSE(7), END(8)],
    did: ["report 0", "flush corrupt", "disarm expire", ...DROPPED, "close"],
    phase: "down",
  },
  {
    name: "no data available: asked again after the retry interval",
    see: "§8.4",
    from: CONNECTED,
    events: [pdu({ type: "error-report", code: 2, text: "" })],
    did: ["disarm answer", "arm refresh 600"],
    phase: "synchronised",
  },
  {
    name: "a cache that knows version 0 only, and says so",
    see: "§7",
    from: CONNECTED,
    events: [pdu({ type: "error-report", code: 4, text: "" }, 0), { type: "connected" }],
    did: ["send reset-query", "disarm refresh", "arm answer 60"],
    phase: "asking",
  },
  {
    name: "a cache that answers in version 0 at once",
    see: "§7",
    from: CONNECTED,
    events: [pdu({ type: "cache-response", sessionId: 7 }, 0)],
    did: ["begin full", "arm answer 60"],
    phase: "receiving",
  },
  {
    name: "another version later on",
    see: "§7",
    from: SYNCHRONISED,
    events: [pdu({ type: "serial-notify", sessionId: 7, serial: 9 }, 0)],
    did: ["report 8", ...DROPPED, "close"],
    phase: "down",
    held: HELD,
  },
  {
    name: "an error report is not answered",
    see: "§5.11",
    from: SYNCHRONISED,
    events: [pdu({ type: "error-report", code: 0, text: "you" })],
    did: [...DROPPED, "close"],
    phase: "down",
    held: HELD,
  },
  {
    name: "a prefix that was not asked for",
    see: "§12, code 0",
    from: SYNCHRONISED,
    events: [
      pdu({ type: "prefix", announce: true, address: new Uint8Array(4), length: 0, maxLength: 0, autonomousSystem: 1 }),
    ],
    did: ["report 0", ...DROPPED, "close"],
    phase: "down",
    held: HELD,
  },
  {
    name: "a withdrawal of what is not known is reported, and nothing believed any more",
    see: "§12, code 6",
    from: CONNECTED,
    events: [RESPONSE(), END(), { type: "loaded", fault: { code: 6, reason: "x" } }],
    did: ["report 6", "flush corrupt", "disarm expire", ...DROPPED, "close"],
    phase: "down",
  },
  {
    name: "a cache that does not answer",
    see: "§6",
    from: CONNECTED,
    events: [{ type: "timer", timer: "answer" }],
    did: [...DROPPED, "close"],
    phase: "down",
  },
  {
    name: "a lost connection keeps the data, and the next one goes on from it",
    see: "§8.2",
    from: SYNCHRONISED,
    events: [{ type: "closed" }, { type: "connected" }],
    did: ["send serial-query 5", "disarm refresh", "arm answer 60"],
    phase: "asking",
    held: HELD,
  },
  {
    name: "a connection that is lost while data is loaded: the next one goes on from that",
    see: "§8.2",
    from: CONNECTED,
    events: [RESPONSE(), END(), { type: "closed" }, { type: "loaded" }, { type: "connected" }],
    did: ["send serial-query 6", "disarm refresh", "arm answer 60"],
    phase: "asking",
    held: { sessionId: 7, serial: 6 },
  },
  {
    name: "nothing is kept for longer than the expire interval",
    see: "§6",
    from: SYNCHRONISED,
    events: [{ type: "closed" }, { type: "timer", timer: "expire" }],
    did: ["flush expired"],
    phase: "down",
  },
  {
    name: "data that expires while it is asked about is asked for anew: an answer that goes on from it is of no use",
    see: "§6",
    from: SYNCHRONISED,
    events: [
      { type: "timer", timer: "refresh" },
      { type: "timer", timer: "expire" },
    ],
    did: ["flush expired", ...DROPPED, "close soon"],
    phase: "down",
  },
  {
    name: "the same in the middle of the answer",
    see: "§6",
    from: SYNCHRONISED,
    events: [{ type: "timer", timer: "refresh" }, RESPONSE(), { type: "timer", timer: "expire" }],
    did: ["flush expired", ...DROPPED, "close soon"],
    phase: "down",
  },
  {
    name: "what is being loaded has just been confirmed",
    see: "§6",
    from: SYNCHRONISED,
    events: [{ type: "timer", timer: "refresh" }, RESPONSE(), END(), { type: "timer", timer: "expire" }],
    did: [],
    phase: "loading",
    held: HELD,
  },
  {
    name: "an answer to a reset query goes on when what was held before has expired",
    see: "§6, §8.3",
    from: SYNCHRONISED,
    events: [
      { type: "timer", timer: "refresh" },
      pdu({ type: "cache-reset" }),
      { type: "timer", timer: "expire" },
      RESPONSE(),
    ],
    did: ["begin full", "arm answer 60"],
    phase: "receiving",
  },
  {
    name: "a PDU that cannot be read is reported",
    see: "§5.11",
    from: SYNCHRONISED,
    events: [{ type: "malformed", version: 1, code: 0, reason: "short", isReport: false }],
    did: ["report 0", ...DROPPED, "close"],
    phase: "down",
    held: HELD,
  },
  {
    name: "an Error Report that cannot be read is not: it ends the session without a word",
    see: "§5.11",
    from: SYNCHRONISED,
    events: [{ type: "malformed", version: 1, code: 0, reason: "short", isReport: true }],
    did: [...DROPPED, "close"],
    phase: "down",
    held: HELD,
  },
];

describe("RFC 8210: one cache, step by step", () => {
  for (const { name, see, from, events, did, phase, held } of STEPS)
    it(`${name} (${see})`, () => {
      const last = after(from, ...events);
      assert.deepEqual(last.did, did);
      assert.deepEqual([last.state.phase, last.state.held], [phase, held]);
    });
});
