import { readFile } from "node:fs/promises";
import path from "node:path";
import { Capture } from "./capture.ts";
import { expectEqual, expectThat } from "./check.ts";
import type { Seen, StoryContext } from "./context.ts";
import { AGENT_NETWORKS, CAPABILITY_PREFIX, OCR_URL, PAGE, ROUTERS, SPEECH_URL } from "./places.ts";

/** An unmodified client sends a page to a name and gets its text; the wire shows the tunnel. */
export async function askByName(context: StoryContext): Promise<Seen> {
  await using onCore = await Capture.start(context.lab, "core", "eth1");
  await using atClient = await Capture.start(context.lab, "client", "eth1");

  const answer = await context.request("--data-binary", `@${PAGE}`, "--header", "Content-Type: image/png", OCR_URL);
  expectThat("the client posts a page image", answer.status === 200, "status 200", answer.error ?? answer.body);
  const page = await readFile(path.join(import.meta.dirname, "../page.txt"), "utf8");
  const lines = answer.body.split("\n").filter((line) => line.trim() !== "");
  expectEqual("the text of the page", lines, page.trimEnd().split("\n"));
  context.fact(`curl posted page.png to ${OCR_URL} and got its text back`, answer.milliseconds);
  context.narrator.quote(lines);

  const speech = await context.request(
    "--data-binary",
    "Every router knows who can speak.",
    "--header",
    "Content-Type: text/plain",
    SPEECH_URL,
  );
  const sound = speech.octets.subarray(0, 4).toString("latin1");
  expectThat(
    "the client asks for speech",
    speech.status === 200 && sound === "RIFF",
    "a WAV file",
    speech.error ?? speech.body.slice(0, 80),
  );
  context.fact(
    `${SPEECH_URL} answered with ${Math.round(speech.octets.length / 1000)} kB of speech`,
    speech.milliseconds,
  );

  const core = await onCore.stop();
  const tunnelled = core.filter((packet) => packet.inner?.destination.startsWith(CAPABILITY_PREFIX));
  const sites: string[] = [ROUTERS.r2.locator, ROUTERS.r3.locator];
  expectThat(
    "core sees IPv6-in-IPv6",
    tunnelled.length > 0,
    "packets to a capability address inside a tunnel",
    core.slice(0, 5),
  );
  for (const packet of tunnelled) {
    expectEqual("where a tunnel begins", packet.source, ROUTERS.r1.locator);
    expectThat("where a tunnel ends", sites.includes(packet.destination), "r2 or r3", packet.line);
  }
  const bare = core.filter((packet) => packet.inner === undefined && packet.destination.startsWith(CAPABILITY_PREFIX));
  expectEqual("packets on core to a capability address outside a tunnel", bare.length, 0);
  context.fact(`core forwarded ${tunnelled.length} IPv6-in-IPv6 packets between the routers' locators; one of them:`);
  context.narrator.quote([tunnelled[0]!.line.trim()]);

  const client = await atClient.stop();
  const leaked = [...client, ...core].filter((packet) => packet.line.includes(AGENT_NETWORKS));
  expectEqual(
    "packets with an agent's address at the client or on core",
    leaked.map((packet) => packet.line),
    [],
  );
  expectThat(
    "the client talked to a capability address",
    answer.remote.startsWith(CAPABILITY_PREFIX),
    CAPABILITY_PREFIX,
    answer.remote,
  );
  context.fact(`the client talked to ${answer.remote}, the address of the capability`);
  context.fact("no packet at the client or on core had an agent's own address");
  return { remote: answer.remote, agent: answer.agent, milliseconds: answer.milliseconds, tunnelled: tunnelled.length };
}
