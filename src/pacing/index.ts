export { paceConnections } from "./pace-connections.ts";
export { PacedSocket } from "./paced-socket.ts";
