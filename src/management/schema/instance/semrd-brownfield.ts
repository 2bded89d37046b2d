// biome-ignore-all format: generated from yang/*.yang by tools/generate-yang.mjs, not to be edited

export interface NeighborBrownfield {
  readonly "no-export": boolean;
  readonly payload: boolean;
}

export interface BgpBrownfield {
  readonly "payload-attribute"?: number;
  readonly gateway: boolean;
  readonly label?: readonly Label[];
}

export interface Label {
  readonly name: string;
  readonly namespace: number;
  readonly bit: number;
}
