import type { PacketReport } from "../../../src/management/index.ts";
import { expectEqual, expectThat, waitFor } from "./check.ts";
import type { Seen, StoryContext } from "./context.ts";
import { agentNamed, CLIENT_ADDRESS, OCR, OCR_URL, ROUTERS, type RouterName } from "./places.ts";
import { WIDTH, wrap } from "./terminal.ts";

/** Of a request that is foretold; ports that the system picks are elsewhere. */
const CLIENT_PORT = 20_047;

/** `semrctl explain` says who was chosen, by which rule, and why nobody else. */
export async function explain(context: StoryContext): Promise<Seen> {
  const report = await context.semrctl("r1", "explain", OCR);
  const origins = report.candidates.map((candidate) => candidate.origin).sort();
  const wanted = [ROUTERS.r2.routerId, ROUTERS.r3.routerId];
  expectThat("the candidates", JSON.stringify(origins) === JSON.stringify(wanted), wanted.join(" and "), origins);
  const winner = report.candidates.find((candidate) => candidate.origin === report.winner);
  expectThat(
    "the winner",
    winner !== undefined && winner.step !== "",
    "one of the candidates, with the step that chose it",
    report,
  );
  context.fact(
    `semrctl explain ${OCR} on r1: of ${origins.length} candidates ${nameOf(winner.origin)} is best, by the step "${winner.step}"`,
  );
  for (const candidate of report.candidates) {
    expectThat(`what is said of ${candidate.origin}`, candidate.reason !== "", "a reason", candidate);
  }
  for (const candidate of report.candidates) {
    const { origin, nextHop, judgement, step, weight, reason } = candidate;
    context.narrator.quote([
      `${nameOf(origin)} (${nextHop})  ${judgement}, step ${step}, weight ${weight}`,
      ...wrap(reason, WIDTH - 12).map((line) => `    ${line}`),
    ]);
  }
  return { explain: report, packet: await explainPacket(context) };
}

/** What r1 says of a packet that the client is going to send, and where it then really goes. */
async function explainPacket(context: StoryContext): Promise<PacketReport> {
  const asked = [CLIENT_ADDRESS, OCR, "--source-port", String(CLIENT_PORT)];
  const report = await context.semrctl("r1", "explain packet", ...asked);
  const site = report.sites?.probes.find(({ fate }) => fate === "taken");
  expectThat(
    `the client's packet from port ${CLIENT_PORT}`,
    report.verdict === "encapsulated" && (site?.name === "r2" || site?.name === "r3"),
    "a tunnel to r2 or r3",
    report,
  );
  context.fact(
    `semrctl explain packet ${asked.join(" ")}: slot ${report.sites!.slot} of the sites' group, tunnel to ${site.name}`,
  );

  const answer = await context.request("--local-port", String(CLIENT_PORT), OCR_URL);
  expectThat("the request from that port", answer.status === 200, "status 200", answer.error ?? answer.body);
  const router = site.name as RouterName;
  const flow = await waitFor(`${router} has a record of the flow`, {
    within: 10_000,
    signal: context.signal,
    look: async () => {
      const flows = await context.semrctl(router, "show flows", "--client", CLIENT_ADDRESS);
      return flows.find(({ clientPort, state }) => clientPort === CLIENT_PORT && state === "closed");
    },
  });
  const served = agentNamed(answer.agent!).id;
  expectEqual("who served it by the record, and by the answer", flow.agent, served);
  context.fact(
    `a request from that port went there: the flow record of ${router} names ${answer.agent}, ` +
      `${flow.packets} packets there, ${flow.packetsBack} back`,
  );
  return report;
}

const nameOf = (origin: string): string =>
  Object.values(ROUTERS).find((router) => router.routerId === origin)?.name ?? origin;
