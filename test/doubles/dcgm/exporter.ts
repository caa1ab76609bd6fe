// Stands in for a dcgm-exporter: its page in both generations of names, with pods, jobs, MIG, blank values; and its failures.
import { createServer, type RequestListener, type Server } from 'node:http';

export interface ExporterPage {
  readonly gpus?: number;
  /** DCGM 4.6 names fields anew. */
  readonly names?: 'old' | 'new';
  /** As dcgm-exporter 2 to 4 wrote them. */
  readonly labels?: 'Hostname' | 'hostname' | 'without-bus';
  readonly help?: boolean;
  /** The same GPU once per pod, as under time-slicing. */
  readonly pods?: number;
  readonly hpcJob?: string;
  /** Fields that are blank, by their old name. */
  readonly blank?: readonly string[];
  readonly mig?: boolean;
  /** 0–100 */
  readonly busy?: number;
  readonly energyMillijoules?: bigint;
}

interface Family {
  readonly old: string;
  readonly new: string;
  readonly kind: 'gauge' | 'counter';
  readonly value: string;
}

const BLANK = '9223372036854775794';

export const exporterUuid = (index: number): string => `GPU-0c1e5d2a-0000-4000-8000-${String(index).padStart(12, '0')}`;

export function renderExporterPage(page: ExporterPage = {}): string {
  return familiesOf(page)
    .map((family) => {
      const name = page.names === 'new' ? family.new : family.old;
      const head = page.help === false ? '' : `# HELP ${name} words (in units).\n# TYPE ${name} ${family.kind}\n`;
      const value = page.blank?.includes(family.old) ? BLANK : family.value;
      return (
        head +
        labelsOf(page)
          .map((labels) => `${name}{${labels}} ${value}\n`)
          .join('')
      );
    })
    .join('');
}

function familiesOf({ busy = 97, energyMillijoules = 128996013n }: ExporterPage): readonly Family[] {
  const dev = (old: string, now: string, kind: Family['kind'], value: string): Family => ({
    old: `DCGM_FI_DEV_${old}`,
    new: `DCGM_FI_DEV_${now}`,
    kind,
    value,
  });
  return [
    dev('SM_CLOCK', 'SM_CLOCK', 'gauge', '1410'),
    dev('GPU_TEMP', 'GPU_TEMP_CELSIUS', 'gauge', '61'),
    dev('POWER_USAGE', 'BOARD_POWER_WATTS', 'gauge', '350.250000'),
    dev('TOTAL_ENERGY_CONSUMPTION', 'TOTAL_ENERGY_CONSUMPTION', 'counter', String(energyMillijoules)),
    dev('GPU_UTIL', 'GPU_UTIL_RATIO', 'gauge', String(busy)),
    dev('XID_ERRORS', 'XID_ERROR', 'gauge', '79'),
    dev('FB_USED', 'FB_USED', 'gauge', '1024'),
    dev('NVLINK_BANDWIDTH_TOTAL', 'NVLINK_THROUGHPUT_TOTAL', 'counter', '1234'),
    dev('RETIRED_SBE', 'PAGE_RETIRED_SBE_TOTAL', 'counter', '3'),
    {
      old: 'DCGM_FI_PROF_SM_ACTIVE',
      new: 'DCGM_FI_PROF_SM_UTIL_RATIO',
      kind: 'gauge',
      value: '0.875000',
    },
  ];
}

function labelsOf(page: ExporterPage): readonly string[] {
  const { gpus = 2, labels = 'hostname', pods = 0, hpcJob, mig = false } = page;
  return Array.from({ length: gpus }, (_, gpu) => {
    const own = [
      `gpu="${gpu}"`,
      `UUID="${exporterUuid(gpu)}"`,
      ...(labels === 'without-bus' ? [] : [`pci_bus_id="00000000:${(0x1a + gpu).toString(16).toUpperCase()}:00.0"`]),
      `device="nvidia${gpu}"`,
      'modelName="NVIDIA A100-SXM4-80GB"',
    ];
    const host = [`${labels === 'hostname' ? 'hostname' : 'Hostname'}="node1"`, 'DCGM_FI_DRIVER_VERSION="580.105.08"'];
    const job = hpcJob === undefined ? [] : [`hpc_job="${hpcJob}"`];
    const instances = mig ? ['GPU_I_PROFILE="1g.10gb",GPU_I_ID="7"', 'GPU_I_PROFILE="3g.40gb",GPU_I_ID="2"'] : [''];
    const podLabels =
      pods === 0 ? [''] : Array.from({ length: pods }, (_, pod) => `pod="p${pod}",namespace="n",container="c"`);
    return instances.flatMap((instance) =>
      podLabels.map((pod) => [...own, instance, ...host, ...job, pod].filter(Boolean).join(',')),
    );
  }).flat();
}

export type ExporterBehaviour = 'ok' | 'slow' | 'error' | 'half-body' | 'forbidden' | 'garbage' | 'endless';

/** Answers as `behaviour` says at the moment it is asked. */
export function exporterHandler(playing: { behaviour: ExporterBehaviour; page: ExporterPage }): RequestListener {
  return (request, response) => {
    if (request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    const body = renderExporterPage(playing.page);
    switch (playing.behaviour) {
      case 'ok':
        response.end(body);
        return;
      case 'slow':
        response.write(body.slice(0, 100));
        return;
      case 'error':
        response.writeHead(500).end('Internal server error');
        return;
      case 'half-body':
        response.writeHead(200, { 'content-length': body.length });
        response.write(body.slice(0, body.length / 2), () => response.destroy());
        return;
      case 'forbidden':
        response.writeHead(403).end();
        return;
      case 'garbage':
        response.end('<html><body>Welcome</body></html>\n');
        return;
      case 'endless':
        response.on('drain', () => response.write(body));
        response.write(body.repeat(10_000));
    }
  };
}

/** On a free port of this machine. */
export async function serveExporter(
  playing: Parameters<typeof exporterHandler>[0],
): Promise<{ readonly url: URL; readonly server: Server; close(): void }> {
  const server = createServer(exporterHandler(playing));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: new URL(`http://127.0.0.1:${port}/metrics`),
    server,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
