import http from "node:http";

export interface Asked {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
}

export interface Answered {
  readonly status: number;
  readonly json: Readonly<Record<string, unknown>>;
}

const TIMEOUT = 10_000;

/** One request over a control socket, without the time that starting semrctl takes. Rejects when the router goes away. */
export function ask(socketPath: string, { method, path, body }: Asked): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "content-type": "application/json" };
    const request = http.request({ socketPath, method, path, headers, agent: false, timeout: TIMEOUT }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("error", reject);
      response.on("end", () => {
        if (response.complete) resolve({ status: response.statusCode!, json: JSON.parse(text) });
        else reject(new Error("the answer was cut off"));
      });
    });
    request.on("timeout", () => request.destroy(new Error(`no answer to ${method} ${path}`)));
    request.on("error", reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
