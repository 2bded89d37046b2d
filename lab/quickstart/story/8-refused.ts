import { expectEqual, expectThat } from "./check.ts";
import type { Seen, StoryContext } from "./context.ts";
import { type Agent, agentNamed, OCR, SPEECH, TENANT } from "./places.ts";
import { register } from "./registration.ts";

/** A newcomer in ocr-b's node. */
const NEWCOMER: Agent = { ...agentNamed("ocr-b"), id: `spiffe://example.net/${TENANT}/agent/newcomer` };
const UNKNOWN = "/vision/telepathy";

/** Registrations that must be refused are, each with its reason, and nothing of them is advertised. */
export async function refused(context: StoryContext): Promise<Seen> {
  await context.calm(); // a busy machine may be late with a health check
  const before = { agents: await agents(context), routes: await routes(context) };
  const token = (capabilities: readonly string[], expiresInSeconds?: number) =>
    context.issuer.mint({
      subject: NEWCOMER.id,
      tenant: TENANT,
      capabilities,
      ...(expiresInSeconds === undefined ? {} : { expiresInSeconds }),
    });
  const attempts = [
    {
      what: `${OCR} with a token for ${SPEECH}`,
      capability: OCR,
      token: await token([SPEECH]),
      status: 403,
      code: "registration.scope-missing",
    },
    {
      what: `${OCR} with a token of an hour ago`,
      capability: OCR,
      token: await token([OCR], -3600),
      status: 401,
      code: "registration.token-expired",
    },
    {
      what: `${UNKNOWN}, which is not in the taxonomy`,
      capability: UNKNOWN,
      token: await token([UNKNOWN]),
      status: 422,
      code: "registration.unknown-capability",
    },
  ];
  const seen: Seen[] = [];
  for (const attempt of attempts) {
    const answer = await register(context, { agent: NEWCOMER, capability: attempt.capability, token: attempt.token });
    const { status, body } = answer;
    expectThat(
      `registering ${attempt.what} is refused`,
      status === attempt.status && body.code === attempt.code,
      `${attempt.status} ${attempt.code}`,
      { status, ...body },
    );
    context.fact(`${attempt.what}: ${status} ${body.code}`, answer.milliseconds);
    context.narrator.quote([String(body.detail)]);
    seen.push({ capability: attempt.capability, status, code: body.code, detail: body.detail });
  }
  expectEqual("agents on r2 afterwards", await agents(context), before.agents);
  expectEqual("routes on r1 afterwards", await routes(context), before.routes);
  context.fact("r2's agents and r1's routes are what they were: nothing was advertised");
  return { refused: seen };
}

const agents = async (context: StoryContext): Promise<readonly string[]> =>
  (await context.semrctl("r2", "show agents")).map((row) => `${row.agent} ${row.instance}`).sort();

const routes = async (context: StoryContext): Promise<readonly string[]> =>
  (await context.semrctl("r1", "show routes")).map((row) => `${row.capability} ${row.origin} ${row.weight}`).sort();
