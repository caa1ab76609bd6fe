// What one 10-s step of the judge costs per GPU, beside reading the same means once, and how much memory it keeps per GPU.
// `npm run bench:diagnosis`. Goals: 1 ms per GPU at 600 GPUs, 0.2 ms at 8,000.
import { makeEpisode } from '#agent/simulator';
import { Judge } from '../../server/diagnosis/judge.ts';
import { SlotBuilder, type NodeSlot } from '../../server/diagnosis/slot.ts';

const STEPS = 40;
const kinds = [
  'healthy_compute',
  'storage',
  'nvlink',
  'straggler_unknown',
  'too_few_workers',
  'held_idle',
  'ib_congestion',
];

/** Slots of many nodes: those of some episodes, again and again under other names. */
function clusterOf(gpus: number): readonly (readonly NodeSlot[])[] {
  const episodes = kinds.map((scenario, seed) => makeEpisode({ scenario, seed: 900 + seed }));
  const slots: NodeSlot[][] = Array.from({ length: STEPS }, () => []);
  let made = 0;
  for (let copy = 0; made < gpus; copy++) {
    const episode = episodes[copy % episodes.length];
    if (!episode) break;
    for (const [at, facts] of episode.nodes.entries()) {
      if (made >= gpus) break;
      made += facts.gpus.length;
      const named = { ...facts, node: `${facts.node}-${copy}` };
      const builder = new SlotBuilder(named);
      for (let step = 0; step < STEPS; step++) {
        for (const second of episode.seconds[at]?.slice(step * 10, step * 10 + 10) ?? []) builder.add(second);
        slots[step]?.push(builder.take());
      }
    }
  }
  return slots;
}

function measure(gpus: number): void {
  const slots = clusterOf(gpus);
  const jobs = [...new Set(slots[0]?.map(({ facts }) => facts.node.split('-')[1] ?? ''))].map((copy) => ({
    ...{
      id: copy,
      user: 'u',
      account: '',
      partition: '',
      name: '',
      kind: 'batch' as const,
      startMs: -1e7,
      endMs: undefined,
      cpus: 64,
      input: undefined,
    },
    gpus: (slots[0] ?? [])
      .filter(({ facts }) => facts.node.endsWith(`-${copy}`))
      .flatMap(({ facts }) => facts.gpus.map(({ uuid }) => ({ node: facts.node, uuid }))),
  }));
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const judge = new Judge();
  const times: number[] = [];
  let looked = 0;
  const baseline: number[] = [];
  for (const [slot, nodes] of slots.entries()) {
    const begun = performance.now();
    for (const { gpus: some } of nodes) for (const gpu of some) looked += gpu?.mean.busy ?? 0;
    const middle = performance.now();
    judge.step({ slot, nodes, jobs });
    times.push(performance.now() - middle);
    baseline.push(middle - begun);
  }
  globalThis.gc?.();
  const kept = process.memoryUsage().heapUsed - before;
  const steady = times.slice(12).sort((a, b) => a - b);
  const median = steady[Math.floor(steady.length / 2)] ?? NaN;
  const plain = baseline.sort((a, b) => a - b)[Math.floor(baseline.length / 2)] ?? NaN;
  console.log(
    `${gpus} GPUs: step ${median.toFixed(1)} ms median, ${(steady.at(-1) ?? NaN).toFixed(1)} ms at most = ${(median / gpus).toFixed(4)} ms per GPU; ${(median / 100).toFixed(2)} % of a core; reading each mean once ${plain.toFixed(2)} ms, ratio ${Math.round(median / plain)}; ${(kept / gpus / 1024).toFixed(1)} KiB kept per GPU${looked > 0 ? '' : '?'}`,
  );
}

for (const gpus of [192, 600, 8000]) measure(gpus);
