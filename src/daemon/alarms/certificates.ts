import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { type Milliseconds, messageOf } from "../../base/index.ts";
import type { Condition, RouterConfiguration } from "../../management/index.ts";
import type { Conditions } from "./conditions.ts";

const DAY = 86_400_000;
const WARNING = 30 * DAY;
const MAJOR = 7 * DAY;
const KEYS = "/semrd-router:router/semrd-keystore:keystore/asymmetric-keys";

/** Certificates that the router can prove itself with, by the leaf that names the file. */
function certificatesOf({ keystore }: RouterConfiguration): ReadonlyMap<string, string> {
  return new Map(
    keystore.asymmetricKeys.flatMap((key) =>
      key.certificates.map(({ name, certificateFile }) => [
        `${KEYS}/asymmetric-key[name='${key.name}']/certificates/certificate[name='${name}']/certificate-file`,
        certificateFile,
      ]),
    ),
  );
}

/** Certificates that end soon, have ended, or cannot be read; of a chain the router's own one, which comes first. */
export async function endingCertificates(configuration: RouterConfiguration, now: Milliseconds): Promise<Conditions> {
  const found = new Map<string, Condition>();
  for (const [place, file] of certificatesOf(configuration)) {
    const condition = await conditionOf(file, now);
    if (condition !== undefined) found.set(place, condition);
  }
  return found;
}

async function conditionOf(file: string, now: Milliseconds): Promise<Condition | undefined> {
  let ends: number;
  try {
    ends = new X509Certificate(await readFile(file)).validToDate.getTime();
  } catch (cause) {
    return { severity: "major", text: `the certificate ${file} cannot be read (${messageOf(cause)}): put one there` };
  }
  const left = ends - now;
  if (left > WARNING) return undefined;
  const severity = left <= 0 ? "critical" : left <= MAJOR ? "major" : "warning";
  const when = `${left <= 0 ? "ended" : "ends"} at ${new Date(ends).toISOString()}`;
  return { severity, text: `the certificate ${file} ${when}: put a new one in its place` };
}
