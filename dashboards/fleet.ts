// The Fleet dashboard: what the GPUs do, where their hours went, and what storage, fabric and hosts did meanwhile.
import { coverage, ourselves } from './fleet/coverage.ts';
import { ill, inside } from './fleet/gpu-health.ts';
import { gpus, overview } from './fleet/gpus.ts';
import { hosts, storage } from './fleet/machines.ts';
import type { RowSpec } from './panel.ts';

export const fleet: readonly RowSpec[] = [overview, gpus, inside, ill, storage, hosts, coverage, ourselves];
