import type { Ipv6Address } from "../../base/index.ts";
import type { SessionKind } from "../../rib/index.ts";
import type { SessionSettings } from "../session/index.ts";
import { UNKNOWN_AS } from "./listen-ranges.ts";
import type { PeerOptions } from "./options.ts";
import { type PeerParts, peerSettings, type SettingsParts, sessionKind } from "./peer-parts.ts";

type ConfiguredPeerParts = SettingsParts & Pick<PeerParts, "mayCome">;

/** A neighbour as it is configured at the moment, and what follows from that. */
export class ConfiguredPeer {
  /** Of the neighbour, IPv4 in mapped form; as text it is in its options. */
  readonly address: Ipv6Address;
  readonly #parts: ConfiguredPeerParts;
  #options: PeerOptions;
  #kind: SessionKind;
  #settings: () => SessionSettings;

  constructor(options: PeerOptions, address: Ipv6Address, parts: ConfiguredPeerParts) {
    this.address = address;
    this.#parts = parts;
    this.#options = options;
    this.#kind = sessionKind(options.remoteAs, parts.speaker);
    this.#settings = peerSettings(options, parts);
  }

  get options(): PeerOptions {
    return this.#options;
  }

  get kind(): SessionKind {
    return this.#kind;
  }

  /** What the state machines have to know now. */
  settings(): SessionSettings {
    return this.#settings();
  }

  /** Of connections that this router opens; neighbours of another AS are next door unless told otherwise. */
  get hopLimit(): number | undefined {
    return this.#kind === "internal" ? undefined : (this.#options.multihop ?? 1);
  }

  /** It has other options, or all neighbours have something else in common. */
  change(options: PeerOptions = this.#options): void {
    this.#options = options;
    this.#kind = sessionKind(options.remoteAs, this.#parts.speaker);
    this.#settings = peerSettings(options, this.#parts);
  }

  /** Its OPEN names an AS. Of whom none is configured has that one from now on, if it may. */
  meet(autonomousSystem: number): void {
    if (this.#options.remoteAs !== UNKNOWN_AS || this.#parts.mayCome?.(autonomousSystem) !== true) return;
    this.change({ ...this.#options, remoteAs: autonomousSystem });
  }
}
