import { expectThat } from "./check.ts";
import type { Seen, StoryContext } from "./context.ts";
import { OCR, ROUTERS } from "./places.ts";
import { WIDTH, wrap } from "./terminal.ts";

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
  return { explain: report };
}

const nameOf = (origin: string): string =>
  Object.values(ROUTERS).find((router) => router.routerId === origin)?.name ?? origin;
