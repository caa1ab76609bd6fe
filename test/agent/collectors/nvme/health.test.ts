// When drives are asked for their SMART log, by which program, and what each answer is worth.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CommandResult } from '../../../../agent/command.ts';
import { nvme } from '../../../../agent/collectors/nvme.ts';
import { notInstalled, PlayedCommands, printed, type CommandAnswer } from '../../../doubles/played-commands.ts';
import { readAll, startReading, type Reading } from '../../../doubles/reading.ts';
import { writeTree } from '../../../corpus/write-tree.ts';

const MINUTE_MS = 60_000;
/** Twice what the jitter can add to ten minutes, and less than twice ten. */
const ROUND_MS = 12 * MINUTE_MS;

let root: string;
let nowMs: number;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'whyidle-health-'));
  nowMs = 0;
  for (const controller of ['nvme0', 'nvme1']) {
    writeTree(root, {
      [`sys/class/nvme/${controller}/state`]: 'live\n',
      [`sys/class/nvme/${controller}/serial`]: `S64FNE0R${controller}      \n`,
    });
  }
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const setState = (controller: string, state: string): void => {
  writeFileSync(join(root, `sys/class/nvme/${controller}/state`), `${state}\n`);
};

const logOf = (changes: Readonly<Record<string, unknown>> = {}): CommandResult =>
  printed(
    JSON.stringify({
      critical_warning: 0,
      temperature: 315,
      avail_spare: 98,
      spare_thresh: 10,
      percent_used: 120,
      data_units_read: '1000',
      data_units_written: '36893488147419103232',
      controller_busy_time: '7',
      power_cycles: '12',
      power_on_hours: '100',
      unsafe_shutdowns: '3',
      media_errors: '2',
      num_err_log_entries: '8382',
      temperature_sensor_1: 316,
      temperature_sensor_3: 330,
      ...changes,
    }),
  );

function start(answer: CommandAnswer): { readonly reading: Reading; readonly commands: PlayedCommands } {
  const commands = new PlayedCommands(answer);
  return { commands, reading: startReading(nvme, root, { commands, monotonicMs: () => nowMs }) };
}

const drive = { controller: 'nvme0' };
const used = (reading: Reading, controller = 'nvme0') => reading.amount('nvme_used_ratio', { controller });
/** The devices asked since the last call. */
const drain = ({ asked }: PlayedCommands): readonly string[] =>
  asked.splice(0).map(({ file, args }) => `${file} ${args.at(-1) ?? ''}`);

describe('values', () => {
  it('every row of a log, in base units', async () => {
    const { reading } = start(() => logOf());
    await readAll(reading);
    expect(used(reading)).toBe(1.2);
    expect(reading.amount('nvme_available_spare_ratio', drive)).toBe(0.98);
    expect(reading.amount('nvme_available_spare_threshold_ratio', drive)).toBe(0.1);
    expect(reading.value('nvme_host_read_bytes_total', drive)).toBe(512_000_000);
    // 2^65 units of 512,000 bytes.
    expect(reading.value('nvme_host_written_bytes_total', drive)).toBe(2n ** 65n * 512_000n);
    expect(reading.value('nvme_media_errors_total', drive)).toBe(2);
    expect(reading.value('nvme_error_log_entries_total', drive)).toBe(8382);
    expect(reading.value('nvme_unsafe_shutdowns_total', drive)).toBe(3);
    expect(reading.value('nvme_power_cycles_total', drive)).toBe(12);
    expect(reading.value('nvme_power_on_seconds_total', drive)).toBe(360_000);
    expect(reading.value('nvme_controller_busy_seconds_total', drive)).toBe(420);
    const degrees = (sensor: string) => reading.amount('nvme_temperature_celsius', { ...drive, sensor });
    expect(['composite', '1', '2', '3'].map(degrees)).toEqual([41.85, 42.85, undefined, 56.85]);
  });

  it('each bit of the warning has its kind', async () => {
    const { reading } = start(() => logOf({ critical_warning: 0b101011 }));
    await readAll(reading);
    const kinds = ['spare', 'temperature', 'reliability', 'read_only', 'volatile_backup', 'pmr_read_only'];
    expect(kinds.map((kind) => reading.value('nvme_critical_warning', { ...drive, kind }))).toEqual([1, 1, 0, 1, 0, 1]);
  });

  it('one field that is missing or garbled takes no other with it', async () => {
    const { reading } = start(() => logOf({ media_errors: 'many', avail_spare: undefined }));
    await readAll(reading);
    expect(reading.value('nvme_media_errors_total', drive)).toBe('malformed');
    expect(reading.value('nvme_available_spare_ratio', drive)).toBe('unsupported');
    expect(used(reading)).toBe(1.2);
  });

  it('the composite temperature comes from hwmon where there is one', async () => {
    writeTree(root, { 'sys/class/nvme/nvme0/hwmon4/temp1_input': '38850\n' });
    const { reading } = start(() => logOf());
    await readAll(reading);
    expect(reading.amount('nvme_temperature_celsius', { ...drive, sensor: 'composite' })).toBe(38.85);
    const composites = reading.snapshot.series.filter(({ labels }) => labels.join() === 'nvme0,composite');
    expect(composites).toHaveLength(1);
  });

  it('below a root no drive is asked, and nothing is said of its health', async () => {
    const reading = startReading(nvme, root);
    await readAll(reading);
    expect(reading.value('nvme_controller_up', drive)).toBe(1);
    expect(used(reading)).toBeUndefined();
  });
});

describe('programs', () => {
  it('nvme-cli alone where it answers, in a child with a deadline of ten seconds', async () => {
    const { reading, commands } = start(() => logOf());
    await readAll(reading);
    expect(commands.lines).toEqual(['nvme smart-log -o json /dev/nvme0', 'nvme smart-log -o json /dev/nvme1']);
    expect(commands.asked.map(({ kind, timeoutMs }) => [kind, timeoutMs])).toEqual([
      ['smart:nvme0', 10_000],
      ['smart:nvme1', 10_000],
    ]);
  });

  it('smartctl where nvme-cli is missing, and from then on first', async () => {
    const { reading, commands } = start(({ file }) => (file === 'nvme' ? notInstalled : logOf()));
    await readAll(reading);
    expect(drain(commands)).toEqual(['nvme /dev/nvme0', 'smartctl /dev/nvme0', 'smartctl /dev/nvme1']);
    expect(used(reading)).toBe(1.2);
  });

  it.each([
    ['neither is installed', () => notInstalled, 'unsupported'],
    ['nvme-cli may not open the drive', () => printed('', '/dev/nvme0: Permission denied\n', 1), 'forbidden'],
    [
      'smartctl has its complaint in the JSON',
      () =>
        printed('{"smartctl":{"messages":[{"string":"Smartctl open device: /dev/nvme0 failed: Permission denied"}]}}'),
      'forbidden',
    ],
    ['a log that is none', () => printed('{"what":1}'), 'malformed'],
    ['half a log', () => printed('{"critical_warning":0,'), 'malformed'],
    ['the drive has no such log', () => printed('', 'NVMe status: INVALID_LOG_PAGE\n', 1), 'unsupported'],
    ['the child had to be killed', () => ({ kind: 'timed_out' as const }), 'timed_out'],
    ['the child cannot be killed', () => ({ kind: 'stuck' as const, pid: 7 }), 'timed_out'],
  ])('%s', async (_, answer, reason) => {
    const { reading } = start(answer);
    await readAll(reading);
    expect(used(reading)).toBe(reason);
    expect(reading.value('nvme_media_errors_total', drive)).toBe(reason);
    expect(reading.value('nvme_critical_warning', { ...drive, kind: 'spare' })).toBe(reason);
    // The drive itself stays.
    expect(reading.value('nvme_controller_up', drive)).toBe(1);
  });

  it('a drive that does not answer one program is not asked by another', async () => {
    const { reading, commands } = start(() => ({ kind: 'timed_out' }));
    await readAll(reading);
    expect(drain(commands)).toEqual(['nvme /dev/nvme0', 'nvme /dev/nvme1']);
  });

  it('a failing log hides no other drive', async () => {
    const { reading } = start(({ args }) => (args.at(-1) === '/dev/nvme0' ? printed('{', '', 1) : logOf()));
    await readAll(reading);
    expect([used(reading, 'nvme0'), used(reading, 'nvme1')]).toEqual(['unsupported', 1.2]);
  });
});

describe('rounds', () => {
  it('one drive at a time', async () => {
    const waiting: ((result: CommandResult) => void)[] = [];
    const { reading, commands } = start(() => new Promise((resolve) => waiting.push(resolve)));
    await reading.reader.discover();
    const read = reading.reader.read('slow');
    await Promise.resolve(reading.reader.read('medium'));
    await settled();
    expect(commands.asked).toHaveLength(1);
    waiting[0]?.(logOf());
    await settled();
    expect(commands.asked).toHaveLength(2);
    waiting[1]?.(logOf());
    await read;
    expect([used(reading, 'nvme0'), used(reading, 'nvme1')]).toEqual([1.2, 1.2]);
  });

  it('again after about ten minutes, not all drives in step, and never sooner than nine', async () => {
    const { reading, commands } = start(() => logOf());
    await readAll(reading);
    drain(commands);
    const asked = new Map<string, number>();
    for (nowMs = 1000; nowMs < ROUND_MS; nowMs += 1000) {
      await reading.reader.read('slow');
      for (const line of drain(commands)) asked.set(line, asked.get(line) ?? nowMs);
    }
    const times = [...asked.values()];
    expect(asked.size).toBe(2);
    expect(Math.min(...times)).toBeGreaterThanOrEqual(9 * MINUTE_MS);
    expect(Math.max(...times)).toBeLessThanOrEqual(11 * MINUTE_MS + 1000);
    expect(new Set(times).size).toBe(2);
  });

  it('at once after a change of state, but not before it is live again', async () => {
    const { reading, commands } = start(() => logOf());
    await readAll(reading);
    drain(commands);
    nowMs = 5000;
    setState('nvme0', 'resetting');
    await reading.reader.read('medium');
    expect(drain(commands)).toEqual([]);
    expect([used(reading, 'nvme0'), used(reading, 'nvme1')]).toEqual(['timed_out', 1.2]);
    nowMs = 10_000;
    setState('nvme0', 'live');
    commands.answer = () => logOf({ percent_used: 121 });
    await reading.reader.read('medium');
    await settled();
    expect(drain(commands)).toEqual(['nvme /dev/nvme0']);
    expect([used(reading, 'nvme0'), used(reading, 'nvme1')]).toEqual([1.21, 1.2]);
  });

  it('what may not be asked is asked each hour only, and tells when it may', async () => {
    const { reading, commands } = start(() => printed('', 'Permission denied\n', 1));
    await readAll(reading);
    drain(commands);
    nowMs = 59 * MINUTE_MS;
    await reading.reader.read('slow');
    expect(drain(commands)).toEqual([]);
    nowMs = 60 * MINUTE_MS;
    commands.answer = () => logOf();
    await reading.reader.read('slow');
    expect(drain(commands)).toEqual(['nvme /dev/nvme0', 'nvme /dev/nvme1']);
    expect(used(reading)).toBe(1.2);
  });

  it('a value that was taken away is shown again before the next round', async () => {
    const { reading, commands } = start(() => logOf());
    await readAll(reading);
    drain(commands);
    for (const series of reading.snapshot.series) if (series.row.kind !== 'info') series.absent('timed_out');
    nowMs = 30_000;
    await reading.reader.read('slow');
    expect(drain(commands)).toEqual([]);
    expect(used(reading)).toBe(1.2);
  });

  it('after the stop the next drive is not asked', async () => {
    const waiting: ((result: CommandResult) => void)[] = [];
    const { reading, commands } = start(() => new Promise((resolve) => waiting.push(resolve)));
    await reading.reader.discover();
    const read = reading.reader.read('slow');
    await settled();
    await reading.reader.stop();
    waiting[0]?.(logOf());
    await read;
    expect(commands.asked).toHaveLength(1);
    expect(reading.lines()).toEqual([]);
  });

  it('a drive that was pulled is asked no more', async () => {
    const { reading, commands } = start(() => logOf());
    await readAll(reading);
    drain(commands);
    rmSync(join(root, 'sys/class/nvme/nvme1'), { recursive: true });
    nowMs = ROUND_MS;
    await readAll(reading);
    expect(drain(commands)).toEqual(['nvme /dev/nvme0']);
    expect(used(reading, 'nvme1')).toBeUndefined();
  });
});

/** Lets promises that are ready go on. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
