/** What the topology file and the routers' configuration say, in the words of the story. */

export const TENANT = "acme";
export const OCR = "/vision/ocr";
export const SPEECH = "/audio/speech";
export const OCR_NAME = "ocr.vision.cap.acme.example.net";
export const SPEECH_NAME = "speech.audio.cap.acme.example.net";
export const OCR_URL = `http://${OCR_NAME}/`;
export const SPEECH_URL = `http://${SPEECH_NAME}/`;

/** Where this project is inside the nodes. */
export const PROJECT = "/opt/semrd";
export const PAGE = `${PROJECT}/lab/quickstart/page.png`;

export const CLIENT_ADDRESS = "fd00:c::2";

/** Networks that a client must never see. */
export const AGENT_NETWORKS = "fd00:a:";
export const CAPABILITY_PREFIX = "fd5e:3d00:1:";

export interface Router {
  readonly name: string;
  readonly routerId: string;
  readonly locator: string;
}

export const ROUTERS = {
  r1: { name: "r1", routerId: "10.255.0.1", locator: "fd00:ffff::1" },
  r2: { name: "r2", routerId: "10.255.0.2", locator: "fd00:ffff::2" },
  r3: { name: "r3", routerId: "10.255.0.3", locator: "fd00:ffff::3" },
} as const satisfies Record<string, Router>;

export type RouterName = keyof typeof ROUTERS;

export interface Agent {
  /** Node of the lab; the agent says it in its answers. */
  readonly name: string;
  readonly id: string;
  readonly router: RouterName;
  /** The router's address on the link to the agent. */
  readonly registrar: string;
  readonly address: string;
  readonly capability: string;
  readonly weight: number;
  readonly program: string;
}

const agentId = (name: string): string => `spiffe://example.net/${TENANT}/agent/${name}`;

/** In the order of the picture. */
export const AGENTS: readonly Agent[] = [
  { name: "ocr-a", router: "r2", link: "21", capability: OCR, weight: 20, program: "tesseract" },
  { name: "ocr-b", router: "r2", link: "22", capability: OCR, weight: 10, program: "tesseract" },
  { name: "ocr-c", router: "r3", link: "31", capability: OCR, weight: 10, program: "tesseract" },
  { name: "speech", router: "r3", link: "32", capability: SPEECH, weight: 10, program: "espeak-ng" },
].map(({ link, router, ...agent }) => ({
  ...agent,
  router: router as RouterName,
  id: agentId(agent.name),
  registrar: `fd00:a:${link}::1`,
  address: `fd00:a:${link}::10`,
}));

export const OCR_AGENTS = AGENTS.filter((agent) => agent.capability === OCR);
export const agentNamed = (name: string): Agent => AGENTS.find((agent) => agent.name === name)!;
