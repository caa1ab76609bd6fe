// Rows about what is not seen, and about whyidle itself.
import type { RowSpec } from '../panel.ts';
import { selected, zeroWhere } from '../promql.ts';
import { unitOf } from '../units.ts';
import { byNode, figure, lines, rate } from './parts.ts';

export const coverage: RowSpec = {
  id: 104,
  title: 'What is not seen',
  panels: [
    {
      ...figure(
        20,
        'Agents delivering',
        'Nodes whose agent delivers, as the server sees them',
        `sum(${selected('node_up')})`,
      ),
      height: 8,
    },
    {
      ...figure(
        21,
        'Agents silent',
        'Nodes the server knows whose agent does not deliver; their GPUs are not observed',
        `count(${selected('node_up')}) - sum(${selected('node_up')})`,
      ),
      height: 8,
    },
    {
      id: 22,
      kind: 'table',
      title: 'Unavailable',
      description:
        'Quantities that should be there and are not, with the reason, and on how many devices. An empty name is a whole device or area',
      unit: 'short',
      targets: [{ expr: `sort_desc(count by (area, name, reason) (${selected('unavailable')}))` }],
      columns: [
        { field: 'area', title: 'Area' },
        { field: 'name', title: 'Quantity' },
        { field: 'reason', title: 'Reason' },
        { field: 'Value', title: 'Series' },
      ],
      noValue: 'Everything is there',
      width: 16,
      height: 8,
    },
  ],
};

export const ourselves: RowSpec = {
  id: 105,
  title: 'whyidle itself',
  panels: [
    {
      ...lines(
        23,
        'Frames received',
        'Frames the server received from agents, one per node and second',
        `sum by (instance) (${rate(selected('server_frames_total'))})`,
        '{{instance}}',
      ),
      unit: unitOf('server_frames_total'),
    },
    {
      ...lines(
        24,
        'Bytes received',
        'Data of the frames the server received',
        `sum by (instance) (${rate(selected('server_bytes_total'))})`,
        '{{instance}}',
      ),
      unit: unitOf('server_bytes_total'),
    },
    {
      ...lines(
        25,
        'Frames refused',
        'Frames the server did not take, by reason; none is the normal state',
        zeroWhere(
          `sum(${rate(selected('server_frames_total'))})`,
          `sum by (reason) (${rate(selected('server_frames_rejected_total'))})`,
        ),
        '{{reason}}',
      ),
      unit: unitOf('server_frames_rejected_total'),
    },
    {
      ...lines(
        26,
        'Agent CPU by node',
        'CPU time of the agent and its children; 1 % is a hundredth of one core',
        byNode(rate(selected('agent_cpu_seconds_total'))),
      ),
      unit: unitOf('agent_cpu_seconds_total'),
    },
    {
      ...lines(
        27,
        'Time unobserved',
        'GPU time nobody saw, in GPUs: 1 is one GPU unseen throughout',
        `sum by (instance) (${rate(selected('ledger_unobserved_seconds_total'))})`,
        '{{instance}}',
      ),
      unit: 'short',
    },
    {
      ...lines(
        28,
        'Frames lost by agents',
        'Frames that agents gave up, by reason; they are recorded as gaps',
        zeroWhere(
          `sum(${rate(selected('agent_frames_total'))})`,
          `sum by (reason) (${rate(selected('agent_frames_dropped_total'))})`,
        ),
        '{{reason}}',
      ),
      unit: unitOf('agent_frames_dropped_total'),
    },
  ],
};
