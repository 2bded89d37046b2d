import { expectThat, waitFor } from "../quickstart/story/check.ts";
import type { StoryContext } from "../quickstart/story/index.ts";
import { agentNamed, OCR, PROJECT, type RouterName, TENANT } from "../quickstart/story/places.ts";
import { register } from "../quickstart/story/registration.ts";

/** Something that happens to the network and that no request may notice. */
export interface Change {
  readonly what: string;
  readonly carryOut: (context: StoryContext, turn: number) => Promise<void>;
}

async function semrctl(context: StoryContext, router: RouterName, ...words: readonly string[]): Promise<void> {
  await context.run(router, `${PROJECT}/tools/semrctl`, "--socket", "/run/semrd/semrd.sock", ...words);
}

/** Registers it again, with another weight: that also ends a drain of its own. */
async function again(context: StoryContext, name: string, weight: number): Promise<void> {
  const agent = { ...agentNamed(name), weight };
  const token = await context.issuer.mint({ subject: agent.id, tenant: TENANT, capabilities: [agent.capability] });
  const { status, body } = await register(context, { agent, token });
  expectThat(`${name} registers again`, status === 200 || status === 201, "status 200", { status, body });
}

async function sites(context: StoryContext, router: RouterName, count: number): Promise<void> {
  let last: unknown;
  await waitFor(`${router} has ${count} fresh routes of ${OCR}`, {
    within: 60_000,
    every: 200,
    signal: context.signal,
    seen: () => last,
    look: async () => {
      const routes = [...(await context.ocrRoutes(router)).values()];
      last = routes.map(({ origin, stale }) => ({ origin, stale }));
      return routes.filter(({ stale }) => !stale).length === count ? true : undefined;
    },
  });
}

/** In turns, as long as it lasts. Each leaves the lab as it found it. */
export const CHANGES: readonly Change[] = [
  {
    what: "ocr-b says another weight",
    carryOut: (context, turn) => again(context, "ocr-b", 5 + (turn % 11)),
  },
  {
    what: "ocr-c drains, and is back",
    async carryOut(context) {
      await semrctl(context, "r3", "agent", "drain", agentNamed("ocr-c").id);
      await context.agentState("ocr-c", "draining", 10_000);
      await semrctl(context, "r3", "agent", "undrain", agentNamed("ocr-c").id);
      await context.agentState("ocr-c", "up", 10_000);
    },
  },
  {
    what: "a tenant comes and goes on r1",
    async carryOut(context, turn) {
      const tenant = `/router/tenants/tenant[name=soak]`;
      await semrctl(context, "r1", "config", "set", `${tenant}/index`, String(1000 + (turn % 50)));
      await semrctl(context, "r1", "config", "set", `${tenant}/route-distinguisher`, "0:65000:1000");
      for (const targets of ["import-target", "export-target"])
        await semrctl(context, "r1", "config", "set", `${tenant}/${targets}`, "65000:1000");
      await semrctl(context, "r1", "config", "commit", "--comment", "soak");
      await semrctl(context, "r1", "config", "delete", tenant);
      await semrctl(context, "r1", "config", "commit", "--comment", "soak");
    },
  },
  {
    what: "an agent of the configuration comes and goes on r2",
    async carryOut(context) {
      const id = `spiffe://example.net/${TENANT}/agent/soak`;
      const place = ["--address", "fd00:a:21::99", "--port", "8080", "--check", "tcp"];
      await semrctl(
        context,
        "r2",
        "agent",
        "add",
        id,
        "--tenant",
        TENANT,
        "--capability",
        "/audio/speech",
        "--version",
        "1.0",
        ...place,
      );
      await semrctl(context, "r2", "agent", "remove", id);
    },
  },
  {
    what: "r3's control plane is killed with -9, and comes back",
    async carryOut(context) {
      await context.kill("r3");
      await context.revive("r3");
      let last: unknown;
      await waitFor("semrd runs again on r3", {
        within: 60_000,
        every: 200,
        signal: context.signal,
        seen: () => last,
        look: async () => {
          const found = await context.semrctl("r3", "show status").catch((cause: Error) => cause);
          last = found instanceof Error ? found.message : found.state;
          return last === "running" ? true : undefined;
        },
      });
      await sites(context, "r1", 2);
      await context.agentState("ocr-c", "up", 30_000);
    },
  },
];
