import { formatIpv4, momentOf, unreachable } from "../../base/index.ts";
import type { PeerIndex, RouteFamily } from "../../rib/index.ts";
import type { Agreement, SessionEnd, SessionEvent, Side } from "../session/index.ts";
import { encodeEndOfRib, encodeRouteRefresh, type Family, type Frame, routeFamily } from "../wire/index.ts";
import type { AdjRibOut } from "./adj-rib-out.ts";
import type { ConfiguredPeer } from "./configured-peer.ts";
import { type EstablishedSession, openSession } from "./established-session.ts";
import type { FamilyIntake, TakeResult } from "./family-intake.ts";
import type { IntakeResult } from "./intake.ts";
import type { PeerOptions } from "./options.ts";
import type { Output } from "./output.ts";
import type { PeerLinks } from "./peer-links.ts";
import { familiesOf, isForwardedHere, isMeshed, type PeerParts } from "./peer-parts.ts";
import type { PeerRib } from "./peer-rib.ts";
import type { ReceivedRoutes } from "./received-routes.ts";
import type { SessionWatch } from "./session-watch.ts";

/** Of a turn, for the rest of a long UPDATE, in milliseconds. */
const UPDATE_BUDGET = 3;

/** What a session needs of the neighbour that it is with. */
export interface SessionHost {
  event(side: Side, event: SessionEvent): void;
  write(side: Side, octets: Uint8Array): void;
  /** Something was handed to the socket. */
  watchOutput(side: Side, agreed: Agreement): void;
  /** It has begun, or ended. */
  turned(): void;
}

export interface PeerSessionParts {
  readonly peer: ConfiguredPeer;
  readonly parts: PeerParts;
  readonly rib: PeerRib;
  readonly links: PeerLinks;
  readonly watch: SessionWatch | undefined;
}

/** What a neighbour says and is told from Established on: UPDATEs, refreshes, End-of-RIB. */
export class PeerSession {
  readonly #host: SessionHost;
  readonly #peer: ConfiguredPeer;
  readonly #parts: PeerParts;
  readonly #rib: PeerRib;
  readonly #links: PeerLinks;
  /** Absent: nobody watches. */
  readonly #watch: SessionWatch | undefined;
  #up: EstablishedSession | undefined;
  /** An UPDATE came in this turn. */
  #hasHeard = false;
  /** UPDATEs that had come before this session, and when its latest KEEPALIVE came. */
  #updates = { before: 0, latest: 0 };
  readonly #turnIsOver = (): void => {
    this.#hasHeard = false;
  };

  constructor(host: SessionHost, { peer, parts, rib, links, watch }: PeerSessionParts) {
    this.#host = host;
    this.#peer = peer;
    this.#parts = parts;
    this.#rib = rib;
    this.#links = links;
    this.#watch = watch;
  }

  /** `undefined` while there is none. */
  get up(): EstablishedSession | undefined {
    return this.#up;
  }

  /** The jobs that held back UPDATEs are done. */
  release(): void {
    if (this.#up !== undefined) this.#links.at(this.#up.side).input?.release();
  }

  /** One UPDATE; its octets are borrowed until nothing is left of it to do, and until then nothing is read. */
  update(side: Side, frame: Frame): void {
    const up = this.#up;
    if (up === undefined || up.side !== side) {
      this.#host.event(side, { type: "UpdateMsg" });
      return;
    }
    this.#parts.record.updateIn();
    this.#updated(side, up, up.intake.update(frame.octets, frame.start, frame.end));
  }

  #updated(side: Side, up: EstablishedSession, result: IntakeResult): void {
    switch (result.kind) {
      case "reset":
        this.#host.event(side, { type: "UpdateMsgErr", fault: result.fault });
        return;
      case "stop":
        this.stopFor(side, result);
        return;
      case "disable-family":
        for (const family of result.families) this.#rib.sweepAll(family);
        break;
      case "end-of-rib":
        this.#endOfRib(result.family);
        break;
      case "more":
        this.#goOn(side, up, result.resume);
        break;
      case "taken":
        break;
      default:
        unreachable(result);
    }
    this.#holdWhileBusy();
    this.#heardUpdate(side);
  }

  /** The rest of a long UPDATE, on later turns; meanwhile nothing more is read from the neighbour. */
  #goOn(side: Side, up: EstablishedSession, resume: Extract<IntakeResult, { kind: "more" }>["resume"]): void {
    const { clock } = this.#parts;
    let next = resume;
    this.#rib.inTurns(() => {
      if (this.#up !== up) return true;
      const began = clock.monotonic();
      const result = next(() => clock.monotonic() - began < UPDATE_BUDGET);
      if (result.kind === "more") next = result.resume;
      else this.#updated(side, up, result);
      return result.kind !== "more";
    });
  }

  /** Event 27, once a turn: in Established it does nothing but move the hold timer, and a turn has one time. */
  #heardUpdate(side: Side): void {
    if (this.#hasHeard) return;
    this.#hasHeard = true;
    this.#parts.clock.soon(this.#turnIsOver);
    this.#host.event(side, { type: "UpdateMsg" });
  }

  stopFor(side: Side, { notification, idleHold }: Exclude<TakeResult, undefined>): void {
    this.#host.event(side, { type: "AutomaticStop", notification, ...(idleHold === undefined ? {} : { idleHold }) });
  }

  #endOfRib(family: Family): void {
    const name = routeFamily(family, this.#parts.codec.dialect);
    const { outputs, membership } = this.#up!;
    if (name === undefined || !outputs.has(name)) return;
    if (name === "route-target") membership?.onSettled?.();
    const { endsOfRibReceived } = this.#parts.record;
    endsOfRibReceived.add(name);
    this.#rib.endOfRib(family);
    const complete = [...outputs.keys()].every((carried) => endsOfRibReceived.has(carried));
    if (complete) this.#parts.restart.event({ type: "endOfRib", peer: this.#peer.options.address });
  }

  /** A KEEPALIVE of a neighbour that will not say End-of-RIB: has it said what it has to say? */
  keepAlive(side: Side): void {
    const up = this.#up;
    if (up === undefined || up.side !== side || up.agreed.gracefulRestart !== undefined) return;
    const { record, restart } = this.#parts;
    const { before, latest } = this.#updates;
    const now = record.updatesReceived;
    if (now > before && now === latest) restart.event({ type: "silent", peer: this.#peer.options.address });
    else this.#updates = { before, latest: now };
  }

  /** Before its End-of-RIB a neighbour that restarts has nothing to refresh. @see RFC 7313 §4.2 */
  refreshMark({ type, family }: { readonly type: "refreshBegins" | "refreshEnds"; readonly family: Family }): void {
    const name = routeFamily(family, this.#parts.codec.dialect);
    if (name === undefined || this.#up?.outputs.has(name) !== true) return;
    this.#parts.record.counters.refreshMarks(type === "refreshBegins" ? "begin-received" : "end-received").add();
    const isEarly = this.#up.agreed.gracefulRestart !== undefined && !this.#parts.record.endsOfRibReceived.has(name);
    if (type === "refreshEnds") this.#rib.endRefresh(name);
    else if (!isEarly) this.#rib.beginRefresh(name);
    else this.#parts.log.debug("bgp.refresh.early", { peer: this.#peer.options.address, family: name });
    this.#holdWhileBusy();
  }

  outputOf(family: Family): Output | undefined {
    const name = routeFamily(family, this.#parts.codec.dialect);
    return name === undefined ? undefined : this.#up?.outputs.get(name);
  }

  #holdWhileBusy(): void {
    if (this.#rib.busy && this.#up !== undefined) this.#links.at(this.#up.side).input?.hold();
  }

  established(side: Side, agreed: Agreement): void {
    const { kind, options, address } = this.#peer;
    const { log, restart, record } = this.#parts;
    const peerIndex = this.#rib.established(
      {
        name: options.address,
        kind,
        bgpIdentifier: agreed.peerIdentifier,
        address,
        autonomousSystem: agreed.remoteAs,
        ...(options.reflectorClient === true && kind === "internal" ? { reflectorClient: true } : {}),
      },
      agreed,
    );
    this.placeInMesh(options, peerIndex);
    const connection = this.#links.at(side).connection!;
    const sent = (): void => this.#host.watchOutput(side, agreed);
    const write = (message: Uint8Array): void => this.#host.write(side, message);
    this.#up = openSession({ side, agreed, options, kind, peerIndex, connection, sent, write }, this.#parts);
    // Of a family that is only offered there is nothing to say, and that has to be said. @see RFC 4724 §2
    for (const other of agreed.families) {
      if (this.outputOf(other) === undefined) this.#host.write(side, encodeEndOfRib(other));
    }
    record.established();
    this.#host.turned();
    this.#watch?.established(side, { agreed, peerIndex, outputs: this.#up.outputs, connection });
    this.#holdWhileBusy();
    this.#updates = { before: record.updatesReceived, latest: record.updatesReceived };
    const { outputs } = this.#up;
    const forwarded = familiesOf(options).some((one) => outputs.has(one.family) && isForwardedHere(one));
    restart.event({ type: "established", peer: options.address, agreed, forwarded });
    const { local, remote } = connection;
    const restartAgreed = agreed.gracefulRestart !== undefined;
    this.#parts.sessionChanged({ type: "established", peer: options.address, local, remote, restartAgreed });
    log.info("bgp.session.established", {
      peer: options.address,
      remoteAs: agreed.remoteAs,
      bgpIdentifier: formatIpv4(agreed.peerIdentifier),
      holdTimeSeconds: agreed.holdTime,
      families: [...this.#up.outputs.keys()],
    });
  }

  /** @returns whether routes of others than before may be told to it, and its routes to them */
  placeInMesh(options: PeerOptions, peerIndex: PeerIndex): boolean {
    const { mesh } = this.#parts;
    const was = mesh.has(peerIndex);
    if (isMeshed(options)) mesh.add(peerIndex);
    else mesh.delete(peerIndex);
    return was !== mesh.has(peerIndex);
  }

  /** Which clients are in a mesh has changed. @see RFC 4456 §10 */
  meshChanged(): void {
    for (const output of this.#up?.outputs.values() ?? []) output.reconsider(() => true);
  }

  ended(end: SessionEnd, agreed: Agreement | undefined): void {
    const { clock, log, record } = this.#parts;
    const { address } = this.#peer.options;
    const reason = record.ends.ended(end, momentOf(clock), agreed);
    if (agreed === undefined) {
      if (record.ends.isNewRefusal(end, reason)) log.warn("bgp.session.refused", { peer: address, reason });
      else log.debug("bgp.connection.ended", { peer: address, reason });
      return;
    }
    for (const output of this.#up?.outputs.values() ?? []) output[Symbol.dispose]();
    this.#up = undefined;
    this.#host.turned();
    record.flapped();
    this.#rib.lost(agreed, end);
    const helping = this.#rib.isHelping;
    this.#watch?.ended(end);
    this.#parts.sessionChanged({ type: "ended", peer: address, retained: helping });
    log.warn("bgp.session.ended", { peer: address, reason, routesRetained: helping });
  }

  /** Judges the neighbour's routes once more, or asks for them; false without a session that can. @see RFC 2918 */
  askAgain(): boolean {
    if (this.#up === undefined) return false;
    if (this.#judgeReceived(this.#up)) return true;
    if (!this.#up.agreed.routeRefresh) return false;
    const { families } = this.#up.agreed;
    for (const family of families) this.#host.write(this.#up.side, encodeRouteRefresh(family));
    return true;
  }

  /** What was kept from the beginning is judged without the neighbour, on later turns; false where it was not. */
  #judgeReceived(up: EstablishedSession): boolean {
    const intakes = [...up.outputs.keys()].flatMap((family) => up.intake.family(family) ?? []);
    const kept = intakes.filter(({ family }) => family !== "route-target");
    if (kept.length === 0 || kept.some(({ received }) => received?.isWhole !== true)) return false;
    for (const intake of kept) {
      let from = 1;
      this.#rib.inTurns(() => {
        if (this.#up !== up || intake.disabled) return true;
        const { clock } = this.#parts;
        const began = clock.monotonic();
        do {
          const next = intake.judgeReceived(from);
          if (typeof next !== "number") {
            this.stopFor(up.side, next);
            return true;
          }
          from = next;
        } while (from !== 0 && clock.monotonic() - began < UPDATE_BUDGET);
        return from === 0;
      });
    }
    this.#holdWhileBusy();
    return true;
  }

  /** What the neighbour said of a family as it came, and who judges it; `undefined` where it is not kept. */
  received(family: RouteFamily): { readonly routes: ReceivedRoutes; readonly intake: FamilyIntake } | undefined {
    const intake = this.#up?.intake.family(family);
    return intake?.received === undefined ? undefined : { routes: intake.received, intake };
  }

  /** All routes are told again: the neighbour asks for it, or learnt ones may be sent that were held back. */
  replay(): void {
    for (const output of this.#up?.outputs.values() ?? []) output.replay();
  }

  /** What the neighbour has been told of a family; `undefined` without a session that has it. */
  told(family: RouteFamily): AdjRibOut | undefined {
    return this.#up?.outputs.get(family)?.told;
  }

  /** End-of-RIB may be due. */
  poke(): void {
    for (const output of this.#up?.outputs.values() ?? []) output.poke();
  }
}
