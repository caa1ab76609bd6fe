// Rows about GPUs: how many do what, where their hours went, and who holds them idle.
import type { RowSpec } from '../panel.ts';
import { inClasses, outsideClasses, selected, zeroWhere } from '../promql.ts';
import { unitOf } from '../units.ts';
import { allGpus, booked, byNode, countGpus, figure, held, lines } from './parts.ts';

export const overview: RowSpec = {
  id: 100,
  title: 'GPUs now',
  panels: [
    figure(1, 'Capacity', 'GPUs known to the server, whatever their state', allGpus),
    figure(
      2,
      'Reporting',
      'GPUs with a reading in the last 30 s; the others count as not observed',
      countGpus(selected('gpu_state', { class: outsideClasses('unobserved') })),
    ),
    figure(
      3,
      'In use',
      'GPUs held by a process: neither free, nor out of service, nor unseen',
      countGpus(selected('gpu_state', { class: outsideClasses('free', 'out', 'unobserved') })),
    ),
    figure(
      4,
      'Productive',
      'GPUs whose class is productive now',
      countGpus(selected('gpu_state', { class: inClasses('productive') })),
    ),
    figure(
      5,
      'Held idle',
      'GPUs that somebody holds without using them',
      countGpus(selected('gpu_state', { class: held })),
    ),
    {
      ...figure(
        6,
        'Productive share',
        'Productive GPU time as a share of all GPU time booked within the dashboard’s time range. Free and unseen time counts against it',
        `(${zeroWhere(`sum(${booked()})`, `sum(${booked(inClasses('productive'))})`)}) / sum(${booked()})`,
      ),
      unit: 'percentunit',
      max: 1,
    },
    {
      id: 7,
      kind: 'lines',
      title: 'GPUs by class',
      description: 'How many GPUs are in each class. The bands add up to capacity',
      unit: unitOf('gpu_state'),
      targets: [{ expr: `sum by (class) (${selected('gpu_state')})`, legend: '{{class}}' }],
      width: 16,
      height: 10,
      stacked: true,
      byClass: true,
    },
    {
      id: 8,
      kind: 'bars',
      title: 'GPU-hours by class',
      description:
        'Where the GPU-hours of the time range went. Every 10 s are booked once, 30 s after they end; only classes that occurred are shown',
      unit: 'suffix: GPU-h',
      targets: [{ expr: `sort_desc(sum by (class) (${booked()}) / 3600)`, legend: '{{class}}' }],
      width: 8,
      height: 10,
      byClass: true,
    },
  ],
};

export const gpus: RowSpec = {
  id: 101,
  title: 'GPUs by node',
  panels: [
    {
      id: 9,
      kind: 'grid',
      title: 'GPU busy by node',
      description:
        'Mean over the GPUs of a node of the share of time with a kernel running. Busy is not yet productive: a spinning kernel is busy, too',
      unit: unitOf('gpu_utilization_ratio'),
      targets: [{ expr: `avg by (node) (${selected('gpu_utilization_ratio')})`, legend: '{{node}}' }],
      width: 12,
      height: 10,
      max: 1,
    },
    {
      ...lines(10, 'GPU power by node', 'Power drawn by all GPU boards of a node', byNode(selected('gpu_power_watts'))),
      unit: unitOf('gpu_power_watts'),
      height: 10,
    },
    {
      id: 11,
      kind: 'table',
      title: 'GPUs held idle now',
      description:
        'GPUs that are held without work at this moment, the device memory their holder keeps, and how long they were held idle within the time range',
      unit: 'short',
      targets: [
        {
          expr: `sum by (node, gpu, uuid) (${selected('gpu_memory_used_bytes', { mig_gi: '=""' })}) and on (node, gpu, uuid) ${selected('gpu_state', { class: held })}`,
        },
        {
          expr: `sum by (node, gpu, uuid) (${booked(held)}) and on (node, gpu, uuid) ${selected('gpu_state', { class: held })}`,
        },
      ],
      columns: [
        { field: 'node', title: 'Node' },
        { field: 'gpu', title: 'GPU' },
        { field: 'uuid', title: 'UUID' },
        { field: 'Value #A', title: 'Memory kept', unit: unitOf('gpu_memory_used_bytes') },
        { field: 'Value #B', title: 'Held idle', unit: 's' },
      ],
      noValue: 'No GPU is held idle',
      width: 24,
      height: 8,
    },
  ],
};
