import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { endNode, isAlive, type ProcessIdentity, readIfThere } from "./identity.ts";

/** Where every lab has a folder: gone with a restart of the machine, as the labs themselves. */
export const STATE_DIRECTORY = "/run/semrd-lab";

export interface NodeState {
  readonly name: string;
  readonly kind: string;
  readonly image: string | undefined;
  readonly init: ProcessIdentity;
  /** The process outside that waits for it; ends by itself right after it. */
  readonly carrier: ProcessIdentity;
  /** Environment of the node's processes. */
  readonly env: Readonly<Record<string, string>>;
  /** Words to put before a command to bring it down to the node's capabilities. */
  readonly confine: readonly string[];
}

/** What destroys a lab needs to know, whoever made it. */
export interface LabState {
  readonly name: string;
  readonly prefix: string;
  readonly file: string;
  /** Who deploys or holds the lab; it may be gone. */
  readonly runner: ProcessIdentity;
  readonly nodes: readonly NodeState[];
}

export const labDirectory = (name: string): string => path.join(STATE_DIRECTORY, name);

export async function writeState(state: LabState): Promise<void> {
  const file = path.join(labDirectory(state.name), "state.json");
  await writeFile(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`);
  await rename(`${file}.new`, file);
}

/** `undefined` if no lab of that name is known. */
export async function readState(name: string): Promise<LabState | undefined> {
  const text = await readIfThere(path.join(labDirectory(name), "state.json"));
  return text === undefined ? undefined : (JSON.parse(text) as LabState);
}

/** All labs that have a state file. */
export async function listLabs(): Promise<LabState[]> {
  const names = await readdir(STATE_DIRECTORY).catch(() => []);
  const states = await Promise.all(names.map(readState));
  return states.filter((state) => state !== undefined);
}

/** True while a node of the lab lives, or somebody is deploying it. */
export async function isInUse(state: LabState): Promise<boolean> {
  const alive = await Promise.all([state.runner, ...state.nodes.map((node) => node.init)].map(isAlive));
  return alive.some((one) => one);
}

/** Whether whoever deployed a lab, and would end it, is still there. */
export async function hasRunner(name: string): Promise<boolean> {
  const state = await readState(name);
  return state !== undefined && (await isAlive(state.runner));
}

/**
 * Makes the folder of a lab, after removing what an ended lab of that name left.
 * @throws {LabInUse}
 */
export async function claimLab(state: LabState): Promise<void> {
  const folder = labDirectory(state.name);
  await mkdir(STATE_DIRECTORY, { recursive: true });
  try {
    await mkdir(folder);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause;
    const present = await readState(state.name);
    if (present !== undefined && (await isInUse(present))) throw new LabInUse(state.name, present.file);
    await destroyLab(state.name);
    await mkdir(folder);
  }
  await writeState(state);
}

/** A lab of that name is there. */
export class LabInUse extends Error {
  constructor(name: string, file: string) {
    super(`lab ${name} is deployed already (from ${file}): destroy it first, or give this one another name`);
    this.name = "LabInUse";
  }
}

/**
 * Ends every node of a lab and removes its folder, also if whoever deployed it is gone. Interfaces, mounts, maps and
 * pins go with the namespaces. False if there was nothing.
 */
export async function destroyLab(name: string): Promise<boolean> {
  const state = await readState(name);
  await Promise.all((state?.nodes ?? []).map(endNode));
  const there = (await readdir(labDirectory(name)).catch(() => undefined)) !== undefined;
  await rm(labDirectory(name), { recursive: true, force: true });
  return there;
}

/** What ends a lab that was kept. */
export const destroyHint = (name: string): string => `node_modules/.bin/node lab/runner/main.ts destroy -n ${name}`;
