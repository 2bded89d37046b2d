import {
  type PathFailure,
  type SessionChange,
  type Speaker,
  type SpeakerObserver,
  startSpeaker,
} from "../../bgp/speaker/index.ts";
import { systemRandom } from "../../host/index.ts";
import { startBfd, tellMonitor } from "../bfd.ts";
import { importTargetsOf, speakerOptions, speakerParts } from "../bgp.ts";
import { type BmpStations, startBmp } from "../bmp.ts";
import { Brownfield } from "../brownfield.ts";
import { type MrtFiles, startMrt } from "../mrt.ts";
import { joinObservers } from "../observers.ts";
import { policyBook } from "../policy.ts";
import { type OriginWatch, startRpki } from "../rpki.ts";
import { type Beginning, VERSION } from "./beginning.ts";
import type { Decisions } from "./decisions.ts";
import type { Tables } from "./tables.ts";

/** Sessions with other routers, what judges their routes, and who is told of both. */
export interface Neighbors {
  readonly speaker: Speaker;
  readonly rpki: OriginWatch | undefined;
  /** Absent without BGP. */
  readonly brownfield: Brownfield | undefined;
  readonly bmp: BmpStations | undefined;
  readonly mrt: MrtFiles;
}

/** @throws as the speaker does, for an address that it cannot listen at */
export async function startNeighbors(begun: Beginning, tables: Tables, { rib }: Decisions): Promise<Neighbors> {
  const { configuration, current, scope, shared, sessions } = begun;
  const rpki = startRpki({ ...shared, rib, inUse: () => current.configuration });
  if (rpki !== undefined) scope.own(rpki);
  current.policies = policyBook(configuration, undefined, rpki?.origins);
  const brownfield =
    configuration.bgp === undefined
      ? undefined
      : scope.own(
          new Brownfield(configuration, { ...shared, rib, random: systemRandom, selections: begun.selections }),
        );
  const bmp = startBmp(configuration, { ...shared, rib, version: VERSION });
  if (bmp !== undefined) scope.own(bmp);
  const mrt = scope.own(startMrt(configuration.mrt, { ...shared, rib }));
  const observer = joinObservers([
    sessions.observer,
    ...mrt.observers,
    ...(rpki === undefined ? [] : [rpki.observer]),
    ...(bmp === undefined ? [] : [bmp.observer]),
  ]);
  const speaker = await startSessions(begun, tables, { rib, brownfield, observer });
  rpki?.watch(speaker);
  bmp?.watch(speaker);
  return { speaker, rpki, brownfield, bmp, mrt };
}

/** BFD and the speaker, each of which tells the other of its sessions. */
async function startSessions(
  { configuration, current, scope, shared, sessions, life }: Beginning,
  { driver }: Tables,
  parts: Pick<Decisions, "rib"> & Pick<Neighbors, "brownfield"> & { readonly observer: SpeakerObserver | undefined },
): Promise<Speaker> {
  const { rib, brownfield, observer } = parts;
  let running: Speaker | undefined;
  if (configuration.bgp !== undefined) {
    const told = {
      pathFailed: (peer: string, failure: PathFailure) => {
        running?.pathFailed(peer, failure);
        sessions.pathChanged(peer, "dead");
      },
      pathRecovered: (peer: string) => {
        running?.pathRecovered(peer);
        sessions.pathChanged(peer, "alive");
      },
    };
    life.bfd = scope.own(startBfd(configuration.bgp, { ...shared, driver, sessions: told }));
  }
  const sessionChanged = (change: SessionChange): void => life.bfd && tellMonitor(life.bfd, change);
  const speaker = await startSpeaker(
    speakerOptions(configuration, current.policies, driver),
    {
      ...speakerParts(configuration, { ...shared, rib, random: systemRandom, sessionChanged }),
      ...(observer === undefined ? {} : { observer }),
      looped: (peer, set) => brownfield?.looped(peer, set),
    },
    scope.signal,
  );
  running = speaker;
  speaker.importTargets(importTargetsOf(configuration.tenants));
  scope.defer(() => speaker.stop({ restart: current.configuration.bgp?.gracefulRestart !== undefined }));
  return speaker;
}
