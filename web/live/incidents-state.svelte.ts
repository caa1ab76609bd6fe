// The incidents as /api/v1/incidents tells them, ended ones too.
import type { IncidentsAnswer } from '#server/contract';
import { Asked } from './asked.svelte.ts';

export const incidents = new Asked<IncidentsAnswer>('/api/v1/incidents', 5000);
