import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { SimNetwork } from "../../sim/network.ts";
import { SeededRandom } from "../../sim/seeded-random.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";
import { Router, type RouterOptions } from "./router.ts";

export const A = "2001:db8::a";
export const B = "2001:db8::b";
export const C = "2001:db8::c";

/** A simulated network with routers on it; everything ends with the test, and the seed is printed when it fails. */
export class Scene {
  readonly clock = new VirtualClock(Date.UTC(2026, 10, 20));
  readonly network: SimNetwork;
  readonly seed: number;
  readonly #routers: Router[] = [];

  constructor(t: TestContext, seed = new SeededRandom().seed) {
    this.seed = seed;
    this.network = new SimNetwork(this.clock, new SeededRandom(seed));
    t.diagnostic(`seed ${seed}`);
    t.after(() => this.close());
  }

  /** Ends all routers, for who makes many scenes in one test. */
  async close(): Promise<void> {
    for (const router of this.#routers.splice(0)) await router[Symbol.asyncDispose]();
  }

  async router(options: RouterOptions): Promise<Router> {
    const parts = { clock: this.clock, transport: this.network.host(options.address), seed: this.seed };
    const router = await Router.start(options, parts);
    this.#routers.push(router);
    return router;
  }

  /** Two routers of one AS that know each other. */
  async pair(a: Partial<RouterOptions> = {}, b: Partial<RouterOptions> = {}): Promise<readonly [Router, Router]> {
    return [
      await this.router({ address: A, identifier: "10.0.0.1", peers: [{ address: B }], ...a }),
      await this.router({ address: B, identifier: "10.0.0.2", peers: [{ address: A }], ...b }),
    ];
  }

  /** Lets time pass in steps until `done`; fails after `limit` milliseconds of virtual time. */
  until(what: string, done: () => boolean, limit = 60_000): void {
    for (let passed = 0; passed < limit; passed += 50) {
      if (done()) return;
      this.clock.advance(50);
    }
    assert.fail(`not within ${limit} ms: ${what} (seed ${this.seed})`);
  }

  established(...routers: Router[]): void {
    this.until("sessions established", () =>
      routers.every(({ speaker }) => speaker.peers().every(({ state }) => state === "Established")),
    );
  }

  /** Both are up and everything has been said. */
  quiet(...routers: Router[]): void {
    this.established(...routers);
    this.until("End-of-RIB", () =>
      routers.every(({ speaker }) =>
        speaker.peers().every((peer) => peer.gracefulRestart.endOfRibSent && peer.routesPending === 0),
      ),
    );
    this.clock.advance(20);
  }

  /** The process at this address dies; what it had is forgotten. */
  kill(router: Router, address: string): void {
    this.network.kill(address);
    this.#routers.splice(this.#routers.indexOf(router), 1);
    router.rib[Symbol.dispose]();
  }
}
