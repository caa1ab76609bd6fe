// What the facts say of profiling counters and of the NVLink fabric.
import { installDcgm, installFabricManager, startUnit } from './commands.ts';
import type { NodeFacts } from './facts.ts';
import { fix, type Finding } from './finding.ts';
import { count, hasGpus } from './judge-gpu.ts';

/** GPM counts on these what only profiling counts, without DCGM. */
const withGpm: ReadonlySet<string> = new Set(['Hopper', 'Blackwell']);

export function judgeProfiling(facts: NodeFacts): readonly Finding[] {
  const { gpu } = facts;
  if (!hasGpus(facts) || gpu.reader.up !== true) return [];
  const { profiling } = gpu.reader;
  if (profiling === '' || profiling === 'none') return [withoutProfiling(facts)];
  if (gpu.suspect.length === 0)
    return [
      { area: 'profiling', mark: 'ok', what: `SM and tensor activity by ${profilingNames[profiling] ?? profiling}` },
    ];
  return [
    {
      area: 'profiling',
      mark: 'warning',
      what: `profiling counters of GPU ${gpu.suspect.join(', ')} stand at 0 while it works`,
      why:
        profiling === 'gpm'
          ? 'another profiler holds the counters'
          : 'DCGM lost its watch, or another profiler holds the counters',
      // Without an engine of its own the exporter has one in itself, wherever it runs.
      ...(profiling !== 'gpm' && gpu.tools.hostEngineRuns ? fix('sudo systemctl restart nvidia-dcgm') : {}),
    },
  ];
}

const profilingNames: Readonly<Record<string, string>> = {
  gpm: 'GPM',
  dcgm_exporter: 'dcgm-exporter',
  dcgmi: 'dcgmi',
};

function withoutProfiling({ system, gpu }: NodeFacts): Finding {
  const finding = {
    area: 'profiling',
    mark: 'warning',
    what: 'no profiling counters: utilisation alone says how busy a GPU is',
  } as const;
  const hasGpm = gpu.architectures.length > 0 && gpu.architectures.every((name) => withGpm.has(name));
  if (hasGpm && gpu.reader.backend !== 'nvml')
    return { ...finding, why: 'these GPUs count by themselves (GPM), but only NVML gives it: see above' };
  if (gpu.tools.dcgmExporter !== undefined)
    return {
      ...finding,
      why: `${gpu.tools.dcgmExporter} gives no DCGM_FI_PROF_ fields`,
      ...listFields(gpu.tools.dcgmExporter),
    };
  if (!gpu.tools.dcgmi) return { ...finding, why: 'DCGM is not installed', ...installDcgm(system.family) };
  if (!gpu.tools.hostEngineRuns)
    return { ...finding, why: 'dcgmi is there, but no host engine runs', ...startUnit('nvidia-dcgm') };
  return {
    ...finding,
    why: 'DCGM runs and gives none: GeForce and workstation GPUs have none, others need its profiling module',
    command: { kind: 'look', text: 'dcgmi profile --list' },
  };
}

const listFields = (url: string): Pick<Finding, 'command'> => ({
  command: { kind: 'look', text: `curl -s ${url} | grep -c ^DCGM_FI_PROF_` },
});

export function judgeFabric({ system, gpu }: NodeFacts): readonly Finding[] {
  if (gpu.switches === 0) return [];
  const switches = count(gpu.switches, 'NVSwitch', 'NVSwitches');
  switch (gpu.reader.fabricManager) {
    case true:
      return [{ area: 'fabric', mark: 'ok', what: `${switches}, the fabric manager runs` }];
    case undefined:
      return [
        {
          area: 'fabric',
          mark: 'warning',
          what: `${switches}, whether the fabric manager runs cannot be seen`,
          why: 'processes of other users are hidden here',
          command: { kind: 'look', text: 'systemctl status nvidia-fabricmanager' },
        },
      ];
    case false:
      return [
        {
          area: 'fabric',
          mark: 'missing',
          what: `${switches}, but no fabric manager runs`,
          why: 'without it CUDA does not start on GPUs behind NVSwitches',
          ...(gpu.tools.fabricManagerInstalled
            ? startUnit('nvidia-fabricmanager')
            : installFabricManager(system.family, gpu.driver.version)),
        },
      ];
  }
}
