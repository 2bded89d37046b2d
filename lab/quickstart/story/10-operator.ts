import { expectEqual, expectThat, waitFor } from "./check.ts";
import type { Seen, StoryContext } from "./context.ts";
import { Operator } from "./operator.ts";
import { agentNamed, TENANT } from "./places.ts";
import { succeeded } from "./requests.ts";

const CAPABILITY = "/vision/proof-reading";
const URL = "http://proof-reading.vision.cap.acme.example.net/";
const CONFIRM_SECONDS = 3;

const TAXONOMY = `<taxonomy xmlns="urn:semrd:yang:semrd-taxonomy"><capability>
  <name>${CAPABILITY}</name><major-version>1</major-version><service-port>80</service-port>
</capability></taxonomy>`;

/** An agent that does not register itself, in ocr-a's node. */
const agent = agentNamed("ocr-a");
const AGENT = `<agents xmlns="urn:semrd:yang:semrd-agent"><agent>
  <id>spiffe://example.net/${TENANT}/agent/proof-reader</id><tenant>${TENANT}</tenant><capability>
    <name>${CAPABILITY}</name><major-version>1</major-version><address>${agent.address}</address><port>8080</port>
  </capability></agent></agents>`;

/** A capability that nobody knew is configured on running routers, is routed, and goes again because nobody confirms it. */
export async function operatorChanges(context: StoryContext): Promise<Seen> {
  const operator = new Operator(context);
  const flaps = await sessions(context);
  for (const router of ["r1", "r2"] as const) await operator.switchOn(router);
  context.fact("r1 and r2: NETCONF over SSH switched on while they run, for an operator with a key");

  const { result, answers } = await context.asking(async () => {
    await operator.netconf("r1", operator.edit(TAXONOMY), "<commit/>");
    context.fact(`r1 learnt the name ${CAPABILITY}: edit-config, commit`);
    const changed = performance.now();
    await operator.netconf(
      "r2",
      operator.edit(`${TAXONOMY}${AGENT}`),
      "<validate><source><candidate/></source></validate>",
      `<commit><confirmed/><confirm-timeout>${CONFIRM_SECONDS}</confirm-timeout><persist>story</persist></commit>`,
    );
    const committed = performance.now();
    await serves(context, true);
    const served = performance.now() - committed;
    context.fact(`r2 has an agent for it: edit-config, validate, commit confirmed; its name answers`, served);
    await serves(context, false);
    const undone = performance.now() - committed;
    context.fact(
      `nobody confirmed it within ${CONFIRM_SECONDS} s: r2 went back by itself, and the name is gone`,
      undone,
    );
    return { servedMilliseconds: served, undoneMilliseconds: undone, changeMilliseconds: committed - changed };
  });
  const failed = answers.filter((answer) => !succeeded(answer));
  expectThat("requests for /vision/ocr during all of it", failed.length === 0, "none fails", failed[0]?.error);
  for (const router of ["r1", "r2"] as const) await operator.switchOff(router);
  expectEqual("sessions that were lost", await sessions(context), flaps);
  context.fact(`of ${answers.length} requests for /vision/ocr meanwhile none failed; no BGP session was touched`);
  return { ...result, requests: answers.length, failed: failed.length };
}

/** Waits until the new capability answers at the client, or does not any more. */
const serves = (context: StoryContext, wanted: boolean): Promise<true> =>
  waitFor(`${URL} ${wanted ? "answers" : "does not answer"}`, {
    within: 20_000,
    signal: context.signal,
    look: async () => (succeeded(await context.request("--max-time", "1", URL)) === wanted ? true : undefined),
  });

/** How often each router has lost each session. */
async function sessions(context: StoryContext): Promise<readonly string[]> {
  const rows = [];
  for (const router of ["r1", "r2", "r3"] as const)
    for (const peer of await context.semrctl(router, "show peers"))
      rows.push(`${router} ${peer.address} ${peer.flaps}`);
  return rows;
}
