import path from "node:path";
import { deployFresh, type Lab, labDirectory } from "../runner/index.ts";
import { makeMaterial, openIssuer } from "./material.ts";
import { type Narrator, StoryContext } from "./story/index.ts";

const TOPOLOGY = path.join(import.meta.dirname, "quickstart.clab.yml");

/** Where the keys and certificates of the lab `name` lie while it is there. */
export const materialOf = (name: string): string => path.join(labDirectory(name), "material");

/** This lab under the name `name`, with keys and certificates of its own; one that a killed run left is removed first. */
export async function deployQuickstart(name: string, signal: AbortSignal, narrator: Narrator): Promise<Lab> {
  const material = materialOf(name);
  return await deployFresh(
    TOPOLOGY,
    {
      name,
      environment: { MATERIAL: material },
      prepare: async () => void (await makeMaterial(material)),
      notice: ({ level, path: where, text }) => {
        if (level === "warning") narrator.line(`  ${level}: ${where}: ${text}`);
      },
    },
    signal,
    () => narrator.line("  a lab that an earlier run had left was removed"),
  );
}

/** What steps of a story work with in such a lab. */
export async function quickstartContext(lab: Lab, narrator: Narrator, signal: AbortSignal): Promise<StoryContext> {
  return new StoryContext({ lab, issuer: await openIssuer(materialOf(lab.name)), narrator, signal });
}

/** Waits until every node says that it is healthy, and r1 has its BGP sessions. */
export async function quickstartReady(context: StoryContext): Promise<void> {
  await Promise.all([...context.lab.nodes.keys()].map((node) => context.lab.healthy(node)));
  await context.sessions();
}
