import { type Clock, type Log, type Random, seconds } from "../../base/index.ts";
import type { Agreement, SessionSettings } from "../session/index.ts";
import type { AttributeCodec } from "../wire/index.ts";
import type { ExportGroup } from "./export-group.ts";
import type { SpeakerRib } from "./intake.ts";
import type { PeerOptions, SpeakerOptions } from "./options.ts";
import type { OwnRestartControl } from "./own-restart.ts";
import type { PeerRecord } from "./peer-record.ts";
import type { Transport } from "./transport.ts";

/** What a peer works with; all but `record` and `importPolicy` is shared by the peers of a speaker. */
export interface PeerParts {
  readonly speaker: SpeakerOptions;
  readonly codec: AttributeCodec;
  readonly rib: SpeakerRib;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly record: PeerRecord;
  readonly restart: OwnRestartControl;
  /** The update group for what a session agreed on. */
  readonly groupOf: (peer: PeerOptions, agreed: Agreement) => ExportGroup;
  readonly importPolicy: NonNullable<PeerOptions["importPolicy"]>;
}

const IDLE_HOLD = seconds(1);
const MAXIMUM_BACK_OFF = seconds(120);

/** What the state machines have to know now. */
export function peerSettings(options: PeerOptions, { speaker, codec, restart }: PeerParts): SessionSettings {
  return {
    localAs: speaker.localAs,
    remoteAs: options.remoteAs,
    bgpIdentifier: speaker.bgpIdentifier,
    passive: options.passive,
    holdTime: options.holdTime,
    keepaliveTime: options.keepaliveTime,
    minimumHoldTime: seconds(0),
    connectRetry: options.connectRetry,
    idleHold: IDLE_HOLD,
    maximumBackOff: MAXIMUM_BACK_OFF,
    families: [codec.dialect.family, ...(options.alsoOffer ?? [])],
    restartFamilies: [codec.dialect.family],
    requireFamily: options.requireFamily ?? false,
    gracefulRestart: restart.own,
  };
}
