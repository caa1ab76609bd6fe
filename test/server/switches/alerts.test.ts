// Findings about switches as alerts of the server: since when, and gone when they are.
import { expect, it } from 'vitest';
import type { SwitchReading } from '../../../server/switches/poller.ts';
import { SwitchAlerts } from '../../../server/switches/alerts.ts';
import { SwitchWatch } from '../../../server/switches/watch.ts';
import { silentLog } from '../../../server/log.ts';

it('alerts last as long as their finding', () => {
  const watch = new SwitchWatch({
    switches: [
      {
        name: 'leaf1',
        guid: undefined,
        target: {
          ...{ host: '10.0.1.1', port: 22, user: 'monitor', keyFile: '/key' },
          hostKey: { fingerprint: `SHA256:${'A'.repeat(43)}`, algorithm: undefined },
        },
      },
    ],
    clock: { nowMs: () => 0, wallMs: () => 0 },
    log: silentLog,
  });
  let reading: SwitchReading | undefined = {
    ...{
      atMs: 0,
      fans: [{ fan: 'FAN1 F1', rpm: 0, isUp: false }],
      temperatures: [],
      supplies: [],
      ports: [],
      report: [],
    },
    version: { product: '', firmware: '3.9.0900', serial: '', uptimeSeconds: undefined },
  };
  Object.defineProperty(watch.pollers[0], 'reading', { get: () => reading });
  const alerts = new SwitchAlerts(watch);
  const expected = {
    ...{ id: 'switch:leaf1:fan:', kind: 'fabric', severity: 'warning', state: 'firing' },
    ...{ node: '', gpu: null, uuid: null, text: 'switch leaf1: fan FAN1 F1 is not well' },
  };
  expect(alerts.alerts(1000)).toEqual([{ ...expected, since_ms: 1000 }]);
  expect(alerts.alerts(2000)).toEqual([{ ...expected, since_ms: 1000 }]);
  reading = { ...reading, fans: [] };
  expect(alerts.alerts(3000)).toEqual([]);
  reading = undefined;
  expect(alerts.alerts(4000)).toEqual([]);
});
