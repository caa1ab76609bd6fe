// From the section `switches` of the server's file to its page and its alerts.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { resolveConfig } from '../../../server/config.ts';
import type { RunningServer } from '../../../server/main.ts';
import { parsePage } from '../../doubles/exposition.ts';
import { healthyAnswers, startSwitch, type StandInSwitch } from '../../doubles/ssh/switch.ts';
import { until } from '../../system/program.ts';
import { runServer } from '../running.ts';

let directory: string;
let device: StandInSwitch;
let server: RunningServer | undefined;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'whyidle-switches-'));
  device = await startSwitch({ answers: healthyAnswers });
});
afterEach(async () => {
  await server?.stop();
  server = undefined;
  await device.stop();
  rmSync(directory, { recursive: true, force: true });
});

it('a switch of the file is on the page and among the alerts', async () => {
  const { host, port, user, hostKey } = device.target;
  const leaf = { name: 'leaf1', host, port, user, password_file: device.passwordFile, host_key: hostKey.fingerprint };
  const file = join(directory, 'server.yaml');
  writeFileSync(file, stringify({ server: { listen: '127.0.0.1:0' }, switches: [leaf] }));
  server = await runServer(resolveConfig({ file, env: {}, args: [] }).config);
  const { url } = server;
  const text = await until('the switch is up', async () => {
    const page = await (await fetch(`${url}/metrics`)).text();
    return page.includes('whyidle_switch_up{guid="leaf1"} 1') ? page : undefined;
  });
  expect(text).toContain('# TYPE whyidle_switch_temperature_celsius gauge\n');
  expect(text).toContain('whyidle_switch_temperature_celsius{guid="leaf1",sensor="MGMT ASIC T1"} 58\n');
  expect(() => parsePage(text)).not.toThrow();
  const alerts = await until('its alerts', async () => {
    const answer = await (await fetch(`${url}/api/v1/alerts`)).text();
    return answer.includes('switch leaf1') ? answer : undefined;
  });
  expect(alerts).toContain('switch leaf1: power supply PS2 is not well');
  expect(alerts).not.toContain('only-looks');
});
