import { registerAgents } from "./1-register.ts";
import { askByName } from "./2-ask.ts";
import { spreadByWeight } from "./3-spread.ts";
import { agentDies } from "./4-agent-dies.ts";
import { siteDies } from "./5-site-dies.ts";
import { routerDies } from "./6-router-dies.ts";
import { linkDown } from "./7-link-down.ts";
import { refused } from "./8-refused.ts";
import { explain } from "./9-explain.ts";
import { operatorChanges } from "./10-operator.ts";
import type { StoryStep } from "./context.ts";

/** The story, in its order. Each step leaves the lab as it found it. */
export const STORY: readonly StoryStep[] = [
  { title: "Agents register at their nearest router", run: registerAgents },
  { title: "A client asks for a capability by name", run: askByName },
  { title: "Requests spread over the instances by weight", run: spreadByWeight },
  { title: "An agent dies", run: agentDies },
  { title: "All agents of a site die", run: siteDies },
  { title: "A router's control plane dies, its data plane goes on", run: routerDies },
  { title: "A link goes down", run: linkDown },
  { title: "Who may not register is refused", run: refused },
  { title: "The router explains its choice", run: explain },
  { title: "An operator changes running routers over NETCONF", run: operatorChanges },
];

export { Capture, isTunnelled } from "./capture.ts";
export { StoryError } from "./check.ts";
export { type Seen, StoryContext, type StoryStep } from "./context.ts";
export { Narrator, type SeenStep } from "./narrator.ts";
export { commandsText, pictureOf, type Traffic } from "./picture.ts";
export { type ProgramOptions, programCommand, runProgram } from "./program.ts";
export { durationText, type Ink, inkFor, WIDTH, wrap } from "./terminal.ts";
