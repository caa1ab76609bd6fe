// The server killed 200 times while eight agents send ten readings a second: what was produced is in the history once, or in a
// recorded gap. `npm run test:soak`, about a quarter of an hour; WHYIDLE_KILLS changes how often.
import { expect, test } from 'vitest';
import type { NodesAnswer } from '#server/contract';
import { pause, Rig } from '../faults/rig.ts';
import { json, until } from '../system/program.ts';

const kills = Number(process.env['WHYIDLE_KILLS'] ?? 200);

test(`${kills} kills`, async () => {
  const rig = await Rig.create();
  try {
    const producers = Array.from({ length: 8 }, (_, at) => rig.producer(`n${at}`));
    await rig.server.start();
    for (const producer of producers) producer.start({ server: rig.server.url });
    for (let round = 0; round < kills; round++) {
      await pause(200 + Math.random() * 3000);
      await rig.server.kill();
      await rig.server.start();
    }
    for (const producer of producers) producer.signal('SIGUSR2');
    await until('all are back', async () => {
      const { nodes } = await json<NodesAnswer>(`${rig.server.url}/api/v1/nodes`);
      return nodes.length === producers.length ? true : undefined;
    });
    let produced = 0;
    let recorded = 0;
    for (const producer of producers) {
      const found = await rig.expectNothingLost(producer, 120_000);
      produced += found.produced;
      recorded += found.recorded.length;
    }
    console.log(
      `${kills} kills, ${produced} readings produced, ${produced - recorded} stored once, ${recorded} in gaps`,
    );
    expect(recorded).toBe(0);
  } finally {
    await rig.close();
  }
}, 3_600_000);
