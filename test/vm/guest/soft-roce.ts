// Soft-RoCE on a dummy interface: a real sys/class/infiniband, with hw_counters and without counters.
import { existsSync, readdirSync } from 'node:fs';
import type { Agent } from './agent.ts';
import { run, word } from './kernel.ts';
import type { Table } from './table.ts';

export const ROCE_ADDRESS = '10.9.9.9';
/** Slow adapters are asked every 25th tick. */
const MOST_TICKS = 60;
const PORT = '/sys/class/infiniband/rxe0/ports/1';

export function addSoftRoce(): void {
  run('ip', ['link', 'add', 'd0', 'type', 'dummy']);
  run('ip', ['addr', 'add', `${ROCE_ADDRESS}/24`, 'dev', 'd0']);
  run('ip', ['link', 'set', 'd0', 'up']);
  run('rdma', ['link', 'add', 'rxe0', 'type', 'rxe', 'netdev', 'd0']);
}

export async function checkSoftRoce(agent: Agent, table: Table): Promise<void> {
  const port = { device: 'rxe0', port: '1' };
  const state = (file: string): number => Number.parseInt(word(`${PORT}/${file}`) ?? '', 10);
  table.check('rxe0/1 state', await agent.value('whyidle_infiniband_state_id', port), state('state'));
  table.check(
    'rxe0/1 phys_state',
    await agent.value('whyidle_infiniband_physical_state_id', port),
    state('phys_state'),
  );
  const [info] = await agent.samples('whyidle_infiniband_port_info', port);
  table.check('rxe0/1 link layer', info?.labels['link_layer'], word(`${PORT}/link_layer`) ?? '');
  table.check('rxe0/1 role', info?.labels['role'], '');
  await checkCounters(agent, table);
  await checkMissing(agent, table);
}

/** Nothing is sent any more: what the kernel tells stays as it is until the agent has asked. */
async function checkCounters(agent: Agent, table: Table): Promise<void> {
  const kernel = new Map(
    readdirSync(`${PORT}/hw_counters`).flatMap((name) =>
      name === 'lifespan' ? [] : [[name, Number(word(`${PORT}/hw_counters/${name}`))] as const],
    ),
  );
  const shown = async (): Promise<ReadonlyMap<string, number>> => {
    const events = await agent.samples('whyidle_infiniband_hw_events_total', { device: 'rxe0', port: '1' });
    return new Map(events.map(({ labels, value }) => [labels['counter'] ?? '', value]));
  };
  let agents = await shown();
  for (let waited = 0; waited < MOST_TICKS && agents.get('sent_pkts') !== kernel.get('sent_pkts'); waited++) {
    await agent.ticks(1);
    agents = await shown();
  }
  table.check('hw_counters', agents.size, kernel.size);
  for (const [name, count] of kernel) if (count > 0) table.check(`hw_counters/${name}`, agents.get(name), count);
}

/** Whatever the device has no file for is said to be missing, and is not zero. */
async function checkMissing(agent: Agent, table: Table): Promise<void> {
  table.note('counters directory', existsSync(`${PORT}/counters`) ? 'there' : 'missing');
  const data = 'infiniband_port_data_received_bytes_total';
  table.check(`whyidle_${data} series`, (await agent.samples(`whyidle_${data}`, { device: 'rxe0' })).length, 0);
  const told = await agent.samples('whyidle_unavailable', { area: 'infiniband', device: 'rxe0/1' });
  table.check(
    'reason for port data',
    told.find(({ labels }) => labels['name'] === data)?.labels['reason'],
    'not_present',
  );
  const reasons = Map.groupBy(told, ({ labels }) => labels['reason'] ?? '');
  for (const [reason, all] of reasons) table.note(`quantities that are ${reason}`, String(all.length));
}
