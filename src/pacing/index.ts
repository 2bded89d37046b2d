export { paceConnections } from "./pace-connections.ts";
export { PacedSocket } from "./paced-socket.ts";
export { paceSecured, type SecuredHandlers } from "./secured-connections.ts";
