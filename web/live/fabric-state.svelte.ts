// The fabrics as /api/v1/fabric tells them.
import type { FabricAnswer } from '#server/contract';
import { Asked } from './asked.svelte.ts';

export const fabric = new Asked<FabricAnswer>('/api/v1/fabric', 5000);
