import { sameValue } from "../../base/index.ts";
import type { PeerOptions, SpeakerOptions } from "./options.ts";
import { localAsTowards, sessionKind } from "./peer-parts.ts";

/** What all sessions of a speaker have in common and may change while it runs. */
export type CommonOptions = Pick<
  SpeakerOptions,
  "localAs" | "confederation" | "bgpIdentifier" | "clusterId" | "siteOfOrigin" | "gracefulRestart" | "listen"
>;

/** What one common option that differs does to a neighbour. */
export interface CommonChangeReason {
  readonly option: keyof CommonOptions;
  /** `reset`: the session ends, and comes back; `live`: it goes on; `next-session`: it goes on as agreed, the next one is different. */
  readonly effect: "live" | "reset" | "next-session";
  /** For people: what the change means for the session. */
  readonly text: string;
}

type Effect = CommonChangeReason["effect"] | "nothing";

/** What of a neighbour decides what a change does to it. */
type ConcernedPeer = Pick<PeerOptions, "remoteAs" | "enabled">;

interface Row {
  readonly effect: (before: CommonOptions, after: CommonOptions, peer: ConcernedPeer) => Effect;
  readonly text: string;
}

/** The neighbour hears another AS in the OPEN message, or is of another kind than before. */
function autonomousSystems(before: CommonOptions, after: CommonOptions, { remoteAs }: ConcernedPeer): Effect {
  const [old, next] = [sessionKind(remoteAs, before), sessionKind(remoteAs, after)];
  if (old !== next || localAsTowards(old, before) !== localAsTowards(next, after)) return "reset";
  const own = ({ localAs, confederation }: CommonOptions) => [localAs, confederation?.identifier];
  return sameValue(own(before), own(after)) ? "nothing" : "live";
}

const OPEN = "it is part of the OPEN message";

/** Every option with what a change of it does to a neighbour. Local addresses of connections are options of the neighbour. */
const ROWS: Readonly<Record<keyof CommonOptions, Row>> = {
  localAs: { effect: autonomousSystems, text: OPEN },
  confederation: { effect: autonomousSystems, text: OPEN },
  bgpIdentifier: { effect: () => "reset", text: OPEN },
  clusterId: {
    effect: (before, _after, { remoteAs }) => (sessionKind(remoteAs, before) === "internal" ? "live" : "nothing"),
    text: "what it says and is told is judged again",
  },
  // It changes with the AS, which resets those whose instances it decides about.
  siteOfOrigin: { effect: () => "nothing", text: "instances are taken by it from now on" },
  gracefulRestart: { effect: () => "next-session", text: "agreed on with the next session" },
  listen: { effect: () => "nothing", text: "others connect to it from now on" },
};

const OPTIONS = Object.keys(ROWS) as (keyof CommonOptions)[];

/** The part of a speaker's options that all sessions have in common. */
export function commonOf(options: CommonOptions): CommonOptions {
  const { localAs, confederation, bgpIdentifier, clusterId, siteOfOrigin, gracefulRestart, listen } = options;
  return {
    ...{ localAs, bgpIdentifier, gracefulRestart, listen },
    ...(confederation === undefined ? {} : { confederation }),
    ...(clusterId === undefined ? {} : { clusterId }),
    ...(siteOfOrigin === undefined ? {} : { siteOfOrigin }),
  };
}

/** Options that differ. */
export function changedCommon(before: CommonOptions, after: CommonOptions): ReadonlySet<keyof CommonOptions> {
  return new Set(OPTIONS.filter((option) => !sameValue(before[option], after[option])));
}

/**
 * Says what other common options will do to one neighbour, before it is done. Pure: it holds whether or not there is a session.
 * @returns one for each option that differs and concerns it, those that need a reset first
 */
export function planCommonChange(
  before: CommonOptions,
  after: CommonOptions,
  peer: ConcernedPeer,
): readonly CommonChangeReason[] {
  const reasons: CommonChangeReason[] = [];
  for (const option of changedCommon(before, after)) {
    const effect = ROWS[option].effect(before, after, peer);
    if (effect === "nothing") continue;
    reasons.push({
      option,
      effect: effect === "reset" && peer.enabled === false ? "live" : effect,
      text: ROWS[option].text,
    });
  }
  const order = { reset: 0, live: 1, "next-session": 2 };
  return reasons.sort((a, b) => order[a.effect] - order[b.effect]);
}
