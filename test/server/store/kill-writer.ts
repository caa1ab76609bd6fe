// Writes into a store until it is killed, and says on stdout what has been acknowledged: `TICKET SEQ` of each frame that is
// durable. Started by kill.test.ts: node kill-writer.ts FOLDER INSTANCE
import { writeSync } from 'node:fs';
import { systemClock } from '../../../server/clock.ts';
import { silentLog } from '../../../server/log.ts';
import { openStore } from '../../../server/store/open-store.ts';
import { AgentStandIn } from './agent-stand-in.ts';

const [, , folder = '', instance = ''] = process.argv;
const clock = systemClock();
const store = await openStore({
  folder,
  clock,
  log: silentLog,
  settings: { 'journal.keep': 3_600_000, 'journal.cap': 1e9 },
  // Every kill finds some segments begun and some sealed.
  segmentBytes: 20_000,
});
const seqs = new Map<number, number>();
store.onDurable = (ticket) => {
  const durable = [...seqs].filter(([one]) => one <= ticket);
  for (const [one] of durable) seqs.delete(one);
  // Synchronous: what is said is said, also if the next moment is the last.
  writeSync(1, durable.map(([, seq]) => `${seq}\n`).join(''));
};
const agent = new AgentStandIn('node07', { session: 1, instance });
store.append(agent.session);
for (let seq = 1; ; seq++) {
  const entry = agent.frame([seq, 0, 1, 0], clock.nowMs(), { key: seq % 20 === 1 });
  seqs.set(store.append(entry), seq);
  if (seq % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
}
