import { after, before, describe } from "node:test";
import { cliOriginCases } from "./cli-origin-cases.ts";
import { type GnmiRouter, startGnmiRouter } from "./gnmi-router.ts";
import { gnoiCases } from "./gnoi-cases.ts";
import { historyCases } from "./history-cases.ts";
import { localSocketCases } from "./local-cases.ts";
import { reflectionCases } from "./reflection-cases.ts";

describe("one router, and what it serves over gRPC", () => {
  let router: GnmiRouter;
  before(async () => {
    router = await startGnmiRouter();
  });
  after(() => router[Symbol.asyncDispose]());
  const given = (): GnmiRouter => router;

  // Counts commits from the first one on.
  void historyCases(given);
  void reflectionCases(given);
  void cliOriginCases(given);
  void localSocketCases(given);
  // Restarts the router, and ends it.
  void gnoiCases(given);
});
