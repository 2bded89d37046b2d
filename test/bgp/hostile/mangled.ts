import { seconds } from "../../../src/base/index.ts";
import {
  encodeKeepalive,
  encodeMessage,
  encodeNotification,
  encodeOpen,
  encodeRouteRefresh,
  IPV6_UNICAST,
  MessageType,
  notification,
} from "../../../src/bgp/wire/index.ts";
import type { SeededRandom } from "../../sim/seeded-random.ts";
import { attributeCases } from "./attribute-cases.ts";
import { before, type Case, HOSTILE_ID, type Kind, remoteAs } from "./case.ts";
import { offerOf } from "./hostile-peer.ts";
import { pathCases } from "./path-cases.ts";
import { routeCases } from "./route-cases.ts";
import { semanticCases } from "./semantic-cases.ts";

const CASES: readonly Case[] = [...attributeCases(), ...pathCases(), ...routeCases(), ...semanticCases()];
/** Of the marker, and of all in front of the body. */
const [MARKER, HEADER] = [16, 19];

/** A number below `end`. */
export const below = (random: SeededRandom, end: number): number => Math.floor(random.next() * end);

/** What a neighbour could say from the beginning to the end: a session as it should be, and malformed UPDATEs in it. */
function script(kind: Kind, random: SeededRandom): Uint8Array[] {
  const open = encodeOpen({
    autonomousSystem: remoteAs(kind),
    holdTime: seconds(240),
    bgpIdentifier: HOSTILE_ID,
    capabilities: offerOf(kind),
  });
  const messages = [open, encodeKeepalive(), ...before(kind).map((body) => encodeMessage(MessageType.Update, body))];
  const cases = CASES.filter((one) => one.kind === kind);
  for (let left = below(random, 6); left > 0; left--) {
    const others = [
      () => encodeMessage(MessageType.Update, cases[below(random, cases.length)]!.body),
      () => encodeRouteRefresh(IPV6_UNICAST, below(random, 4)),
      encodeKeepalive,
      () => encodeNotification(notification(below(random, 9), below(random, 12))),
    ];
    messages.push(others[below(random, others.length)]!());
  }
  return messages;
}

type Change = (messages: Uint8Array[], random: SeededRandom) => void;

const at = (messages: readonly Uint8Array[], random: SeededRandom): number => below(random, messages.length);

function replaced(messages: Uint8Array[], random: SeededRandom, change: (octets: Uint8Array) => Uint8Array): void {
  const i = at(messages, random);
  messages[i] = change(messages[i]!.slice());
}

/** With the length of its header made true, as a flipped length ends nearly every session at once. */
function honest(octets: Uint8Array): Uint8Array {
  if (octets.length >= HEADER) {
    octets[MARKER] = octets.length >>> 8;
    octets[MARKER + 1] = octets.length;
  }
  return octets;
}

const CHANGES: readonly Change[] = [
  // Bits of a body, of anything
  (messages, random) =>
    replaced(messages, random, (octets) => {
      const i = HEADER + below(random, octets.length - HEADER);
      if (i < octets.length) octets[i]! ^= 1 << below(random, 8);
      return octets;
    }),
  (messages, random) =>
    replaced(messages, random, (octets) => {
      octets[below(random, octets.length)]! ^= 1 << below(random, 8);
      return octets;
    }),
  // Octets that are not there, or too many
  (messages, random) =>
    replaced(messages, random, (octets) => {
      const from = HEADER + below(random, Math.max(1, octets.length - HEADER));
      const rest = octets.subarray(from + 1 + below(random, 8));
      return honest(Uint8Array.of(...octets.subarray(0, from), ...rest));
    }),
  (messages, random) =>
    replaced(messages, random, (octets) => {
      const more = new Uint8Array(1 + below(random, 40));
      random.fill(more);
      const from = HEADER + below(random, Math.max(1, octets.length - HEADER));
      return honest(Uint8Array.of(...octets.subarray(0, from), ...more, ...octets.subarray(from)));
    }),
  // Two octets that may be a length
  (messages, random) =>
    replaced(messages, random, (octets) => {
      const i = below(random, octets.length - 1);
      const lie = [0, 1, 0xff, 0xffff, 4096][below(random, 5)]!;
      octets[i] = lie >>> 8;
      octets[i + 1] = lie;
      return octets;
    }),
  // Whole messages: again, elsewhere, not at all, of another type
  (messages, random) => void messages.splice(at(messages, random), 0, messages[at(messages, random)]!),
  (messages, random) => {
    const [one] = messages.splice(at(messages, random), 1);
    messages.splice(below(random, messages.length + 1), 0, one!);
  },
  (messages, random) => {
    if (messages.length > 1) messages.splice(at(messages, random), 1);
  },
  (messages, random) =>
    replaced(messages, random, (octets) => {
      octets[MARKER + 2] = below(random, 8);
      return octets;
    }),
];

/** A whole session that was changed in one to four places, in pieces of any size. */
export function mangledSession(kind: Kind, random: SeededRandom): readonly Uint8Array[] {
  const messages = script(kind, random);
  for (let left = 1 + below(random, 4); left > 0; left--) CHANGES[below(random, CHANGES.length)]!(messages, random);
  const all = Uint8Array.from(messages.flatMap((octets) => [...octets]));
  const pieces: Uint8Array[] = [];
  for (let from = 0; from < all.length; ) {
    const size = 1 + below(random, random.next() < 0.5 ? 20 : 4096);
    pieces.push(all.slice(from, from + size));
    from += size;
  }
  return pieces;
}
