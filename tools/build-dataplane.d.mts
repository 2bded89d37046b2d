export function compileBpf(source: string, output: string): Promise<void>;
export function buildDataplane(parts: {
  readonly root: string;
  readonly log: (line: string) => void;
}): Promise<boolean>;
