import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import type { TestContext } from "node:test";
import { parseIpv6Prefix, seconds } from "../../../src/base/index.ts";
import {
  createNetTransport,
  type PeerFamily,
  type PeerOptions,
  type SpeakerOptions,
  type Transport,
} from "../../../src/bgp/speaker/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import { waitFor } from "../../host/fair-time.ts";
import { Router, type RouterOptions } from "../speaker/router.ts";
import { Scene } from "../speaker/scene.ts";
import { setSample } from "../wire/samples.ts";
import { CONFEDERATION, type Kind, LOCAL_AS, MEMBER_AS, remoteAs } from "./case.ts";
import { HostilePeer } from "./hostile-peer.ts";

const LIMIT_MS = 20_000;
const INNOCENT_ROUTES = 3;
/** Of virtual time between two looks. */
const STEP_MS = 6;

/** What a stage is made for: a router with one neighbour of each kind in the list, in this order. */
export interface Cast {
  readonly kinds: readonly Kind[];
  /** Options of all, and of those of this AS. */
  readonly peer?: Partial<PeerOptions>;
  readonly internalPeer?: Partial<PeerOptions>;
  readonly speaker?: Partial<SpeakerOptions>;
  readonly router?: Partial<RouterOptions>;
  /** The innocent neighbour's, where its routes are to be more than a few. */
  readonly innocentRoutes?: number;
}

/** A router with hostile neighbours and an innocent one, on a simulated network or on loopback. */
export interface Stage {
  readonly router: Router;
  readonly innocent: Router;
  addressOf(index: number): string;
  connect(index: number): Promise<HostilePeer>;
  /** A connection from an address that may be no neighbour's. */
  connectFrom(address: string): Promise<HostilePeer>;
  settle(what: string, done: () => boolean): Promise<void>;
  /** Fails unless the innocent session stands since the beginning and has all its routes. */
  assertInnocent(): void;
}

/** One path of each route at most is sent; several are taken from neighbours of kind `paths`. */
function familiesOf(kind: Kind): readonly PeerFamily[] {
  const more = kind === "paths" ? { addPath: { receive: true } } : {};
  return (["capability", "ipv6-unicast", "ipv4-unicast"] as const).map((family) => ({ family, ...more }));
}

function confederation(kinds: readonly Kind[]): Partial<SpeakerOptions> {
  if (!kinds.includes("confederation")) return {};
  return { confederation: { identifier: CONFEDERATION, members: [MEMBER_AS] } };
}

interface Place {
  readonly router: string;
  readonly innocent: string;
  readonly port: number;
  readonly addressOf: (index: number) => string;
  readonly transportOf: (address: string) => Transport;
  readonly start: (options: RouterOptions) => Promise<Router>;
  readonly settle: Stage["settle"];
}

async function stage(place: Place, cast: Cast): Promise<Stage> {
  const { kinds } = cast;
  const { port, settle } = place;
  const families = familiesOf("internal");
  const options: RouterOptions = {
    address: place.router,
    identifier: "10.0.0.1",
    localAs: LOCAL_AS,
    port,
    peers: [
      { address: place.innocent, port, families, passive: true },
      ...kinds.map((kind, i) => ({
        address: place.addressOf(i),
        port,
        remoteAs: remoteAs(kind),
        passive: true,
        families: familiesOf(kind),
        holdTime: seconds(240),
        ...cast.peer,
        ...(remoteAs(kind) === LOCAL_AS ? cast.internalPeer : {}),
      })),
    ],
    speaker: { acceptExternal: true, ...confederation(kinds), ...cast.speaker },
    ...cast.router,
    rib: { maxPeers: kinds.length + 40, ...cast.router?.rib },
  };
  const router = await place.start(options);
  const innocent = await place.start({
    address: place.innocent,
    identifier: "10.0.0.77",
    localAs: LOCAL_AS,
    port,
    peers: [{ address: place.router, port, families }],
    speaker: confederation(kinds),
  });
  const routes = cast.innocentRoutes ?? INNOCENT_ROUTES;
  for (let n = 1; n <= routes; n++) innocent.originate(n);
  const { localPref: _, semantic: _s, ...set } = setSample({ nextHop: innocent.nextHop });
  innocent.speaker.originateUnicast({ family: "ipv6-unicast", ...parseIpv6Prefix("2001:db8:77::/48")! }, set);
  await settle("the innocent session", () => router.peer(place.innocent).routesReceived === routes + 1);
  const connectFrom = (from: string): Promise<HostilePeer> =>
    HostilePeer.connect(place.transportOf(from), { address: place.router, port }, from, settle);
  return {
    router,
    innocent,
    addressOf: place.addressOf,
    settle,
    connect: (index) => connectFrom(place.addressOf(index)),
    connectFrom,
    assertInnocent: () => {
      const { state, flaps, routesReceived, familyDisabled } = router.peer(place.innocent);
      const seen = { state, flaps, routesReceived, familyDisabled };
      const want = { state: "Established", flaps: 0, routesReceived: routes + 1, familyDisabled: false };
      assert.deepEqual(seen, want, "the innocent session is untouched");
    },
  };
}

/** On the simulated network, in virtual time. */
export function simulated(t: TestContext, cast: Cast): Promise<Stage> {
  const scene = new Scene(t);
  const settle = async (what: string, done: () => boolean): Promise<void> => {
    for (let passed = 0; passed < LIMIT_MS; passed += STEP_MS) {
      await Promise.resolve();
      if (done()) return;
      scene.clock.advance(STEP_MS);
    }
    assert.fail(`not within ${LIMIT_MS} ms: ${what} (seed ${scene.seed})`);
  };
  return stage(
    {
      router: "2001:db8::a",
      innocent: "2001:db8::c",
      port: 179,
      addressOf: (index) => `2001:db8:1::${(index + 1).toString(16)}`,
      transportOf: (address) => scene.network.host(address),
      start: (options) => scene.router(options),
      settle,
    },
    cast,
  );
}

/** On loopback addresses, over TCP of the kernel. */
export async function onLoopback(t: TestContext, cast: Cast): Promise<Stage> {
  const clock = systemClock;
  const server = net.createServer().listen(0, "127.0.0.2");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, "close");
  const transport = createNetTransport({ clock });
  let seed = 0;
  return stage(
    {
      router: "127.0.0.2",
      innocent: "127.0.0.3",
      port,
      addressOf: (index) => `127.1.${index >> 7}.${(index & 127) + 1}`,
      transportOf: () => transport,
      start: async (options) => {
        const router = await Router.start(options, { clock, transport, seed: seed++ });
        t.after(() => router[Symbol.asyncDispose]());
        return router;
      },
      settle: (what, done) => waitFor(what, done, { every: 1, limit: LIMIT_MS }),
    },
    cast,
  );
}
