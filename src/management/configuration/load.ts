import path from "node:path";
import type { Yang, YangContext } from "../../../native/api.ts";
import { loadNative } from "../../../native/index.ts";
import { unreadable } from "../../sockets/index.ts";
import { criterionFaults } from "../alarms/index.ts";
import type { ManagementFault } from "../datastore/index.ts";
import { accessSchema } from "../nacm/index.ts";
import { bindAlarms } from "../yang/alarms-binding.ts";
import { namingAllowed } from "../yang/allowed-values.ts";
import { agentBinder, bindRouter } from "../yang/binding.ts";
import type { RouterDocument } from "../yang/document.ts";
import { bindNacm, nacmFaults } from "../yang/nacm-binding.ts";
import { openSchema } from "../yang/schema.ts";
import { SchemaIndex } from "../yang/schema-index.ts";
import { disagreements } from "./agreement.ts";
import { diagnose, isYangError, valueText } from "./diagnose.ts";
import { ConfigurationError, type ConfigurationFault } from "./error.ts";
import { diskFiles, type Files } from "./files.ts";
import { type Moved, withKeystore } from "./former-credentials.ts";
import { inTurns } from "./in-turns.ts";
import { type JsonNode, JsonSyntaxError, parseJsonInTurns } from "./json-document.ts";
import { locate } from "./locate.ts";
import { unusableFiles } from "./named-files.ts";
import type { RouterConfiguration } from "./types.ts";

export interface LoadParts {
  /** Default: that of the native addon. */
  readonly yang?: Yang;
  /** Stays the caller's. Default: one of its own, which costs 60 ms. */
  readonly schema?: YangContext;
  /** Default: the disk. */
  readonly files?: Files;
  /** Told of passwords and files that are not where they belong, and were taken as if they were. */
  readonly moved?: (moved: readonly Moved[]) => void;
}

/** A configuration file larger than this is not read: it is something else. */
const MAX_OCTETS = 64 * 1024 * 1024;

const NO_ROUTER: ConfigurationFault = {
  reason: 'an object with the one member "semrd-router:router" is expected',
  tag: "router-missing",
};

/**
 * Reads, validates and binds the configuration in a file.
 *
 * @throws {ConfigurationError} `configuration.invalid` with every fault that could be told apart, also for a file that
 *   cannot be read.
 */
export async function loadConfiguration(file: string, parts: LoadParts = {}): Promise<RouterConfiguration> {
  const files = parts.files ?? diskFiles;
  let text: string;
  try {
    text = await files.read(file, MAX_OCTETS);
  } catch (cause) {
    throw new ConfigurationError([{ reason: unreadable(cause, "configuration file"), tag: "unreadable" }], file);
  }
  try {
    const folder = path.dirname(path.resolve(file));
    return await parseConfiguration(text, folder, parts);
  } catch (error) {
    if (error instanceof ConfigurationError) throw new ConfigurationError(error.faults, file);
    throw error;
  }
}

/**
 * Validates and binds configuration text; relative file names in it begin at `folder`.
 *
 * @throws {ConfigurationError}
 */
export async function parseConfiguration(
  text: string,
  folder: string,
  parts: LoadParts = {},
): Promise<RouterConfiguration> {
  const root = await parseText(text);
  const today = withKeystore(text);
  if (today === undefined) return readConfiguration(text, root, folder, parts);
  parts.moved?.(today.moved);
  try {
    return await readConfiguration(today.text, await parseText(today.text), folder, parts);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    // Lines are those of what it has become.
    throw new ConfigurationError(error.faults.map(({ line: _, ...fault }) => fault));
  }
}

async function readConfiguration(
  text: string,
  root: JsonNode,
  folder: string,
  parts: LoadParts,
): Promise<RouterConfiguration> {
  await using own = parts.schema === undefined ? await openSchema(parts.yang ?? loadNative().yang) : undefined;
  const context = parts.schema ?? own!;
  const schema = accessSchema(await context.schema());
  const document = await validate(text, root, context);
  const { "ietf-netconf-acm:nacm": nacm, "ietf-alarms:alarms": alarms } = document;
  const control = bindAlarms(alarms);
  const badRules = [...nacmFaults(nacm, schema), ...criterionFaults(control)].map(asConfigurationFault);
  if (badRules.length > 0) throw new ConfigurationError(badRules.map((fault) => withSource(fault, root)));
  const router = document["semrd-router:router"];
  if (router === undefined) throw new ConfigurationError([NO_ROUTER]);
  const bound = bindRouter(router, folder, { nacm: bindNacm(nacm, schema), alarms: control });
  const agents = router["semrd-agent:agents"]?.agent ?? [];
  const configuration = { ...bound, agents: await inTurns(agents.values().map(agentBinder(bound.taxonomy))) };
  const faults = [
    ...(await inTurns(disagreements(configuration))).filter((fault) => fault !== undefined),
    ...(await unusableFiles(configuration, parts.files ?? diskFiles)),
  ].map((fault) => withSource(fault, root));
  if (faults.length > 0) throw new ConfigurationError(faults);
  return configuration;
}

const asConfigurationFault = ({ path, message, appTag }: ManagementFault): ConfigurationFault => ({
  ...(path === undefined ? {} : { path }),
  reason: message,
  ...(appTag === undefined ? {} : { tag: appTag }),
});

async function parseText(text: string): Promise<JsonNode> {
  try {
    return await parseJsonInTurns(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw new ConfigurationError([
      { line: error.line, reason: `not JSON: column ${error.column}: ${error.message}`, tag: "syntax" },
    ]);
  }
}

async function validate(text: string, root: JsonNode, context: YangContext): Promise<RouterDocument> {
  if (root.kind !== "object") throw new ConfigurationError([{ ...NO_ROUTER, line: root.line }]);
  try {
    const tree = await context.parse(text, "json", { validate: true });
    try {
      return JSON.parse(await context.print(tree, "json", { defaults: "report-all" })) as RouterDocument;
    } finally {
      await tree.dispose();
    }
  } catch (error) {
    if (!isYangError(error)) throw error;
    const index = new SchemaIndex(await context.schema());
    const faults = (await diagnose(await parseJsonInTurns(text), context)).map((fault) => named(fault, index));
    // A fault that went away while it was looked for is still one: libyang has refused the text.
    throw new ConfigurationError(faults.length > 0 ? faults : [{ reason: error.message }]);
  }
}

function named(fault: ConfigurationFault, index: SchemaIndex): ConfigurationFault {
  return { ...fault, reason: namingAllowed({ ...fault, message: fault.reason }, index).message };
}

/** Adds line and value of the place that a fault names. */
function withSource(fault: ConfigurationFault, root: JsonNode): ConfigurationFault {
  const place = fault.path === undefined ? undefined : locate(root, fault.path).find(({ node }) => node !== undefined);
  if (place?.node === undefined) return fault;
  const value = fault.value ?? valueText(place);
  return { ...fault, line: place.node.line, ...(value === undefined ? {} : { value }) };
}
