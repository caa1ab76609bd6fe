// A switch that is asked over SSH: the whole of a reading, the pager, wrong passwords and keys, a session that breaks.
import { afterEach, describe, expect, it } from 'vitest';
import { writeFileSync } from 'node:fs';
import type { SshTarget } from '#agent/ssh';
import { silentLog } from '../../../server/log.ts';
import { SwitchLines } from '../../../server/switches/lines.ts';
import { PERIOD_MS, type SwitchPoller } from '../../../server/switches/poller.ts';
import { SwitchWatch } from '../../../server/switches/watch.ts';
import { eventually } from '../../doubles/programs.ts';
import { healthyAnswers, startSwitch, type StandInSwitch, type SwitchScript } from '../../doubles/ssh/switch.ts';

const GUID = '0x248a0703009c0196';

let device: StandInSwitch | undefined;
let watch: SwitchWatch | undefined;
const nowMs = 1_790_000_000_000;
/** Timers that wait, by their delay: tests decide when one is over. */
let timers: { readonly ms: number; readonly call: () => void }[] = [];
afterEach(async () => {
  watch?.stop();
  await device?.stop();
  device = watch = undefined;
  timers = [];
});

const after = (ms: number, call: () => void): (() => void) => {
  const timer = { ms, call };
  timers.push(timer);
  return () => {
    timers = timers.filter((one) => one !== timer);
  };
};

/** The timer of that delay is over. */
function fire(isMeant: (ms: number) => boolean): void {
  const timer = timers.find(({ ms }) => isMeant(ms));
  if (!timer) throw new Error(`no such timer among ${timers.map(({ ms }) => ms).join(', ')}`);
  timers = timers.filter((one) => one !== timer);
  timer.call();
}

async function begin(script: Partial<SwitchScript> = {}, change: Partial<SshTarget> = {}) {
  device = await startSwitch({ answers: healthyAnswers, ...script });
  const target = { ...device.target, keyFile: undefined, passwordFile: device.passwordFile, ...change };
  watch = new SwitchWatch({
    switches: [{ name: 'leaf1', guid: GUID, target }],
    clock: { nowMs: () => nowMs, wallMs: () => nowMs },
    ...{ log: silentLog, after, random: () => 0 },
  });
  watch.start();
  fire((ms) => ms === 0);
  const [poller] = watch.pollers;
  if (!poller) throw new Error('there is no poller');
  const lines = new SwitchLines(watch);
  return { poller, watch, text: () => lines.families().flatMap((family) => family.lines) };
}

const polled = (poller: SwitchPoller): Promise<void> =>
  eventually('an attempt has ended', () => poller.isUp !== undefined, 15_000);

describe('a managed switch', () => {
  it('is read whole, and shown', async () => {
    const { poller, text } = await begin();
    await polled(poller);
    expect(poller.failure).toBeUndefined();
    expect(text()).toEqual([
      `whyidle_switch_up{guid="${GUID}"} 1\n`,
      `whyidle_switch_info{guid="${GUID}",name="leaf1",product="MQM8700-HS2F",firmware="3.6.5000",serial="MT1926X00123"} 1\n`,
      `whyidle_switch_uptime_seconds{guid="${GUID}"} 222034.992\n`,
      `whyidle_switch_temperature_celsius{guid="${GUID}",sensor="MGMT ASIC T1"} 58\n`,
      `whyidle_switch_temperature_celsius{guid="${GUID}",sensor="MGMT Ports AMB temp T1"} 25.5\n`,
      `whyidle_switch_temperature_celsius{guid="${GUID}",sensor="PS1 power-mon T1"} 31\n`,
      `whyidle_switch_fan_speed_rpm{guid="${GUID}",fan="FAN1 F1"} 6330\n`,
      `whyidle_switch_fan_speed_rpm{guid="${GUID}",fan="FAN1 F2"} 5530\n`,
      `whyidle_switch_fan_speed_rpm{guid="${GUID}",fan="FAN2 F1"} 0\n`,
      `whyidle_switch_fan_up{guid="${GUID}",fan="FAN1 F1"} 1\n`,
      `whyidle_switch_fan_up{guid="${GUID}",fan="FAN1 F2"} 1\n`,
      `whyidle_switch_fan_up{guid="${GUID}",fan="FAN2 F1"} 0\n`,
      `whyidle_switch_power_supply_up{guid="${GUID}",supply="PS1"} 1\n`,
      `whyidle_switch_power_supply_up{guid="${GUID}",supply="PS2"} 0\n`,
      `whyidle_switch_power_watts{guid="${GUID}",supply="PS1"} 120.25\n`,
      `whyidle_switch_power_watts{guid="${GUID}",supply="PS2"} 0\n`,
    ]);
    expect(poller.reading?.ports).toHaveLength(2);
    expect(poller.reading?.report).toEqual([
      'Health report:',
      '2026/11/20 10:14:02 : PS2 : Power supply not responding',
    ]);
  });

  it('is only ever asked', async () => {
    const { poller } = await begin();
    await polled(poller);
    const others = device?.commands.filter((command) => !command.startsWith('show '));
    expect(others).toEqual(['enable', 'no cli session paging enable']);
  });

  it('keeps one session for all readings', async () => {
    const { poller, watch: all } = await begin();
    await polled(poller);
    const { generation } = all;
    fire((ms) => ms === PERIOD_MS);
    await eventually('the second reading', () => all.generation > generation, 15_000);
    expect(poller.isUp).toBe(true);
    expect(device?.logins).toBe(1);
    expect(device?.commands.filter((command) => command === 'enable')).toHaveLength(1);
  });

  it('whose pager cannot be switched off is paged through', async () => {
    const { poller } = await begin({
      pageLines: 3,
      intercept: (command, channel) => {
        if (command !== 'no cli session paging enable') return false;
        channel.write('% Insufficient permissions.\r\nib-leaf1 [standalone: master] # ');
        return true;
      },
    });
    await polled(poller);
    expect(poller.failure).toBeUndefined();
    expect(poller.reading?.fans).toHaveLength(3);
    expect(poller.reading?.version.uptimeSeconds).toBe(222_034.992);
  });

  it('that wants a password for enable is read without', async () => {
    const { poller } = await begin({
      intercept: (command, channel) => {
        if (command === 'enable') channel.write('Password: ');
        return command === 'enable';
      },
    });
    await polled(poller);
    expect(poller.isUp).toBe(true);
  });
});

describe('a switch that cannot be read', () => {
  it('with a wrong password is tried again after a minute at the earliest', async () => {
    const wrong = await startSwitch({ answers: {} });
    writeFileSync(wrong.passwordFile, 'guessed\n');
    const { poller, text } = await begin({}, { passwordFile: wrong.passwordFile });
    await polled(poller);
    await wrong.stop();
    expect(poller.failure?.why.kind).toBe('auth');
    expect(text()).toEqual([`whyidle_switch_up{guid="${GUID}"} 0\n`]);
    expect(timers.map(({ ms }) => ms)).toEqual([30_000]);
    expect(device?.logins).toBe(0);
  });

  it('with another host key gets no password', async () => {
    const { poller } = await begin({}, { hostKey: { fingerprint: `SHA256:${'A'.repeat(43)}`, algorithm: undefined } });
    await polled(poller);
    expect(poller.failure?.why.kind).toBe('host_key');
    expect(device?.attempts).toBe(0);
  });

  it('that hangs up in the middle of an answer is down, and up again with the next session', async () => {
    let drops = 1;
    const { poller } = await begin({
      intercept: (command, channel) => {
        if (command !== 'show fan' || drops-- <= 0) return false;
        channel.write('FAN1       FAN        F1      63');
        channel.end();
        device?.cut();
        return true;
      },
    });
    await polled(poller);
    expect(poller.failure?.why.kind).toBe('closed');
    expect(poller.reading).toBeUndefined();
    fire((ms) => ms === 500);
    await eventually('it is up again', () => poller.isUp === true, 15_000);
    expect(device?.logins).toBe(2);
  });

  it('that does not answer a command is left', async () => {
    const { poller } = await begin({ intercept: (command) => command === 'show power | json-print' });
    await eventually('it was asked', () => device?.commands.includes('show power | json-print') ?? false, 15_000);
    fire((ms) => ms === 20_000);
    await polled(poller);
    expect(poller.failure?.why.kind).toBe('timed_out');
    expect(poller.failure?.why.message).toMatch(/show power \| json-print/);
  });

  it('that is no switch is told so', async () => {
    const { poller } = await begin({ answers: { 'show version': 'bash: show: command not found' } });
    await polled(poller);
    expect(poller.failure?.why.message).toBe('show version gave nothing that is understood');
  });
});
