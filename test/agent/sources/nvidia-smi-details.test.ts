// The slow questions to nvidia-smi over a played command runner: what is asked when, what is believed, how it ends.
import { describe, expect, it } from 'vitest';
import { isAbsent } from '#agent/contract';
import type { CommandRunner, StreamEnd, StreamRequest } from '../../../agent/command.ts';
import type { GpuSheet } from '../../../agent/parse/gpu/sheet.ts';
import { NvidiaSmiDetails } from '../../../agent/sources/nvidia-smi-details.ts';

const MINUTE = 60_000;

interface Asked {
  readonly what: string;
  readonly request: StreamRequest;
  isStopped: boolean;
}

/** nvidia-smi as the test answers it, question by question; the clock is the test's. */
class Played {
  nowMs = 0;
  stuck: number | undefined;
  readonly asked: Asked[] = [];
  readonly warnings: string[] = [];
  readonly source: NvidiaSmiDetails;

  constructor(everyMs?: number) {
    const commands: CommandRunner = {
      run: () => Promise.reject(new Error('not asked')),
      stream: (request) => {
        const asked: Asked = { what: request.args.join(' '), request, isStopped: false };
        this.asked.push(asked);
        return {
          pid: 1,
          stop: () => {
            asked.isStopped = true;
          },
        };
      },
      stuckPid: () => this.stuck,
      hangs: () => false,
      running: () => [],
      stopAll: () => undefined,
    };
    const log = { info: () => undefined, warn: (message: string) => this.warnings.push(message) };
    const monotonicMs = (): number => this.nowMs;
    this.source = new NvidiaSmiDetails({
      commands,
      file: 'nvidia-smi',
      monotonicMs,
      log,
      ...(everyMs !== undefined && { everyMs }),
    });
  }

  get last(): Asked {
    const last = this.asked.at(-1);
    if (!last) throw new Error('nothing was asked');
    return last;
  }

  get questions(): readonly string[] {
    return this.asked.map(({ what }) => what);
  }

  at(nowMs: number): this {
    this.nowMs = nowMs;
    this.source.keepRunning();
    return this;
  }

  async answer(text: string, end: Partial<StreamEnd> = {}): Promise<void> {
    const { request } = this.last;
    for (const line of text.split('\n').slice(0, -1)) request.onLine(line);
    request.onEnd({ reason: 'exited', exitCode: 0, stderr: '', ...end });
    await turn();
  }

  async answerAll(): Promise<void> {
    await this.answer(xml);
    await this.answer(links(' Link 0: 25 GB/s'));
    await this.answer(links(' Link 0: CRC Errors: 4'));
    await this.answer(links(' Link 0: Data Tx: 2 KiB'));
  }

  sheets(): readonly GpuSheet[] {
    const { state } = this.source;
    if (state.kind !== 'delivering') throw new Error(state.kind);
    return state.report.sheets;
  }

  told(): ReadonlyMap<string, unknown> {
    const values = this.sheets()[0]?.values ?? [];
    return new Map(values.map(({ column, value }) => [column.id, isAbsent(value) ? value.reason : value]));
  }
}

async function turn(): Promise<void> {
  for (let step = 0; step < 10; step++) await Promise.resolve();
}

const gpu = `<gpu id="00000000:1A:00.0">
<uuid>GPU-a</uuid><product_name>NVIDIA A100</product_name>
<fan_speed>30 %</fan_speed>
<mig_devices>None</mig_devices>
<utilization><gpu_util>97 %</gpu_util></utilization>
<temperature><gpu_temp>60 C</gpu_temp><gpu_temp_slow_threshold>87 C</gpu_temp_slow_threshold></temperature>
<pci><tx_util>5 KB/s</tx_util></pci>
<clocks_event_reasons_counters><clocks_event_reasons_counters_sync_boost>8 us</clocks_event_reasons_counters_sync_boost></clocks_event_reasons_counters>
<processes><process_info><pid>4</pid><type>C</type></process_info></processes>
</gpu>
`;
const xml = `<nvidia_smi_log>\n<attached_gpus>1</attached_gpus>\n${gpu}</nvidia_smi_log>\n`;
const links = (line: string): string => `GPU 0: NVIDIA A100 (UUID: GPU-a)\n${line}\n`;

const ALL = ['-q -x', 'nvlink -s', 'nvlink -e', 'nvlink -gt d'];

describe('a round', () => {
  it('asks one question after the other, and delivers after the first one only where nothing was known', async () => {
    const played = new Played().at(0);
    expect(played.questions).toEqual(['-q -x']);
    await played.answer(xml);
    expect(played.told().get('gpu_fan_speed_ratio')).toBe(0.3);
    expect(played.told().has('gpu_nvlink_up')).toBe(false);
    await played.answer(links(' Link 0: 25 GB/s'));
    await played.answer(links(' Link 0: CRC Errors: 4'));
    await played.answer(links(' Link 0: Data Tx: 2 KiB'));
    expect(played.told().has('gpu_nvlink_up')).toBe(true);
    expect(played.questions).toEqual(ALL);
    expect(new Set(played.asked.map(({ request }) => request.kind))).toEqual(new Set(['nvidia-smi details']));
    expect(played.sheets()[0]?.identity).toEqual({ gpu: '0', uuid: 'GPU-a', pci_bus_id: '00000000:1a:00.0' });
  });

  it('has only what is worth a minute', async () => {
    const played = new Played().at(0);
    await played.answerAll();
    expect(Object.fromEntries(played.told())).toEqual({
      gpu_temperature_threshold_celsius: 87,
      gpu_fan_speed_ratio: 0.3,
      gpu_pcie_tx_bytes_per_second: 5000,
      gpu_throttle_seconds_total: 8000,
      gpu_nvlink_up: 1,
      gpu_nvlink_speed_bytes_per_second: 25e9,
      gpu_nvlink_errors_total: 4,
      gpu_nvlink_tx_bytes_total: 2048,
    });
    expect(played.sheets()[0]?.processes).toBeUndefined();
    expect(played.sheets()[0]?.instances).toEqual([]);
  });

  it('comes every minute, and not before the last one has ended', async () => {
    const played = new Played().at(0).at(10_000);
    await played.answerAll();
    expect(played.at(59_999).questions).toHaveLength(4);
    expect(played.at(MINUTE).questions).toHaveLength(5);
    expect(played.at(MINUTE + 19_000).questions).toHaveLength(5);
  });

  it('waits for nobody', () => {
    expect(new Played().source.state).toEqual({ kind: 'starting' });
    expect(new Played().at(0).source.state).toEqual({ kind: 'starting' });
  });

  it('settles with its end', async () => {
    const played = new Played().at(0);
    const settled = played.source.settle(1_000_000);
    await played.answerAll();
    await settled;
    expect(played.source.state.kind).toBe('delivering');
  });
});

describe('a node without links', () => {
  it.each([
    ['Device does not have or support Nvlink', links('Device does not have or support Nvlink'), {}],
    ['MIG', links('Nvlink queries are not supported for Devices in MIG mode'), {}],
    ['nothing', '', {}],
    ['an old tool', 'ERROR: Option nvlink is not recognized.\n', { exitCode: 2 }],
  ])('is asked for them again after ten minutes: %s', async (_, text, end) => {
    const played = new Played().at(0);
    await played.answer(xml);
    await played.answer(text, end);
    expect(played.told().get('gpu_fan_speed_ratio')).toBe(0.3);
    for (let minute = 1; minute < 10; minute++) {
      played.at(minute * MINUTE);
      await played.answer(xml);
    }
    expect(played.questions.filter((what) => what !== '-q -x')).toEqual(['nvlink -s']);
    played.at(10 * MINUTE);
    await played.answer(xml);
    expect(played.last.what).toBe('nvlink -s');
  });

  it('is not asked for what one question alone refuses', async () => {
    const played = new Played().at(0);
    await played.answer(xml);
    await played.answer(links(' Link 0: 25 GB/s'));
    await played.answer('', { exitCode: 3 });
    await played.answer(links(' Link 0: Data Tx: 2 KiB'));
    played.at(MINUTE);
    await played.answer(xml);
    await played.answer(links(' Link 0: 25 GB/s'));
    expect(played.last.what).toBe('nvlink -gt d');
  });
});

describe('no answer', () => {
  it.each([
    ['NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.', 9, 'not_present'],
    ['NVIDIA-SMI could not find libnvidia-ml.so', 12, 'not_present'],
    ['No devices were found', 6, 'not_present'],
    ['No devices were found', 0, 'not_present'],
    ['Insufficient permissions', 4, 'forbidden'],
    ['<nvidia_smi_log> <gpu id="0"> <uuid>', 0, 'malformed'],
  ])('%s (%d): %s', async (message, exitCode, reason) => {
    const played = new Played().at(0);
    await played.answer(`${message}\n`, { exitCode });
    expect(played.source.state).toEqual({ kind: 'failed', reason, message });
    expect(played.questions).toEqual(['-q -x']);
    expect(played.at(30_000).questions).toHaveLength(1);
    expect(played.at(MINUTE).questions).toHaveLength(2);
  });

  it('in XML: the fields are asked for, without those that the tool refuses', async () => {
    const played = new Played().at(0);
    await played.answer('Invalid combination of input arguments.\n', { exitCode: 2 });
    expect(played.last.what).toMatch(/^--query-gpu=index,uuid,.*power\.limit.* --format=csv,nounits$/);
    expect(played.last.what).not.toContain('utilization.gpu');
    await played.answer('Field "fan.speed" is not a valid field to query.\n', { exitCode: 2 });
    expect(played.last.what).not.toContain('fan.speed');
    await played.answer('index, uuid, power.limit [W], fan.speed [%], pstate\n0, GPU-1, 300.00, 31, P2\n');
    expect(played.told().get('gpu_power_limit_watts')).toBe(300);
    expect(played.told().get('gpu_pstate')).toBe(2);
    expect(played.questions).toHaveLength(3);
  });

  it('in any way: what was said to the first question counts', async () => {
    const played = new Played().at(0);
    await played.answer('Invalid combination of input arguments.\n', { exitCode: 2 });
    await played.answer('what?\n', { exitCode: 1 });
    expect(played.source.state).toMatchObject({ kind: 'failed', reason: 'unsupported' });
    expect(played.at(30_000).questions).toHaveLength(2);
  });

  it('in time: the child is killed', async () => {
    const played = new Played().at(0).at(20_000);
    expect(played.last.isStopped).toBe(false);
    played.at(20_001);
    await turn();
    expect(played.last.isStopped).toBe(true);
    expect(played.source.state).toMatchObject({ kind: 'failed', reason: 'timed_out' });
    expect(played.questions).toHaveLength(1);
  });

  it('at all: whole GPUs that were printed before count, and no more is asked', async () => {
    const played = new Played().at(0);
    const { request } = played.last;
    for (const line of `<nvidia_smi_log>\n${gpu}<gpu id="1">`.split('\n')) request.onLine(line);
    played.at(20_001);
    await turn();
    expect(played.told().get('gpu_fan_speed_ratio')).toBe(0.3);
    expect(played.questions).toEqual(['-q -x']);
  });

  it('to nvlink: the rest of the round counts, and the question is put off', async () => {
    const played = new Played().at(0);
    await played.answer(xml);
    played.at(20_001);
    await turn();
    expect(played.last).toMatchObject({ what: 'nvlink -s', isStopped: true });
    expect([...played.told().keys()]).not.toContain('gpu_nvlink_up');
    played.at(MINUTE);
    await played.answer(xml);
    expect(played.last.what).toBe('-q -x');
  });

  it('without end: garbage is cut off', async () => {
    const played = new Played().at(0);
    const line = 'x'.repeat(60_000);
    for (let lines = 0; lines < 200; lines++) played.last.request.onLine(line);
    await turn();
    expect(played.last.isStopped).toBe(true);
    expect(played.source.state).toMatchObject({ kind: 'failed', reason: 'malformed' });
  });

  it('from a child that cannot be killed', async () => {
    const played = new Played().at(0).at(20_001);
    await turn();
    played.stuck = 77;
    played.nowMs += 500;
    expect(played.source.state.kind).toBe('failed');
    played.nowMs += 600;
    expect(played.source.state).toEqual({ kind: 'stuck', pid: 77 });
  });

  it('is logged once', async () => {
    const played = new Played();
    for (let minute = 0; minute < 3; minute++) {
      played.at(minute * MINUTE);
      await played.answer('No devices were found\n');
    }
    expect(played.warnings).toHaveLength(1);
  });
});

describe('later', () => {
  it('a report holds for three periods', async () => {
    const played = new Played(1000).at(0);
    await played.answerAll();
    played.at(1000);
    await played.answer('', { exitCode: 9 });
    played.nowMs = 3000;
    expect(played.source.state.kind).toBe('delivering');
    played.nowMs = 3001;
    expect(played.source.state).toMatchObject({ kind: 'failed', reason: 'not_present' });
  });

  it('a pause kills the child, forgets, and begins again', async () => {
    const played = new Played().at(0);
    await played.answerAll();
    played.at(MINUTE);
    played.source.pause();
    await turn();
    expect(played.last.isStopped).toBe(true);
    expect(played.source.state.kind).toBe('starting');
    expect(played.at(MINUTE + 9999).questions).toHaveLength(5);
    expect(played.at(MINUTE + 10_000).questions).toHaveLength(6);
    await played.answerAll();
    expect(played.source.state.kind).toBe('delivering');
  });

  it('what a paused child says is not believed', async () => {
    const played = new Played().at(0);
    played.source.pause();
    await played.answer(xml);
    expect(played.source.state.kind).toBe('starting');
    expect(played.questions).toHaveLength(1);
  });

  it('a stop is for ever', async () => {
    const played = new Played().at(0);
    const settled = played.source.settle(1_000_000);
    played.source.stop();
    await settled;
    expect(played.last.isStopped).toBe(true);
    expect(played.at(10 * MINUTE).questions).toHaveLength(1);
  });
});
