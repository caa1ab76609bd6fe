// Stands in for dcgmi, as a program: `discovery -l`, `discovery -c`, `profile -l`, `dmon -e -d -c -i`. Its forms: DCGM's dcgmi.
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type DcgmiBehaviour =
  | 'ok'
  /** The first two ticks have no values. */
  | 'warms-up'
  | 'mig'
  | 'no-engine'
  /** Refuses any list in which FP64 (1006) is. */
  | 'no-fp64'
  | 'refuses-all'
  | 'needs-root'
  | 'falls-silent'
  | 'dies-halfway';

export const dcgmiUuid = (index: number): string => `GPU-34bf77d1-c686-6821-79a8-00000000000${index}`;

/** Numbers that DCGM gave the two instances of GPU 0, and NVML's own. */
export const dcgmiInstances = [
  { entity: 21, gi: 3 },
  { entity: 22, gi: 5 },
] as const;

/** Long values do not fit their column. */
export const TOO_WIDE_FIELD = 1011;

export function writeDcgmi(directory: string, behaviour: DcgmiBehaviour, gpus = 2): string {
  const file = join(directory, 'dcgmi');
  writeFileSync(file, scriptOf(behaviour, gpus));
  chmodSync(file, 0o755);
  return file;
}

function scriptOf(behaviour: DcgmiBehaviour, gpus: number): string {
  const noEngine = 'echo "Error: unable to establish a connection to the specified host: localhost"; exit 255';
  const [discovery, dmon] =
    behaviour === 'no-engine' ? [noEngine, noEngine] : [printed(discoveryOf(gpus)), dmonOf(behaviour, gpus)];
  return `#!/bin/sh
# ${behaviour}
case "$1 $2" in
  "discovery -l") ${discovery} ;;
  "discovery -c") ${printed(behaviour === 'mig' ? hierarchy : '')} ;;
  "profile -l") ${printed(profileList)} ;;
  "dmon -e") ${dmon} ;;
  *) echo "PARSE ERROR: $*" >&2; exit 1 ;;
esac
`;
}

function printed(text: string): string {
  return `cat <<'END'\n${text}END\n`;
}

function discoveryOf(gpus: number): string {
  const line = '+--------+----------------------------------------------------------------------+';
  const cell = (id: string, text: string) => `| ${id.padEnd(6)} | ${text.padEnd(68)} |`;
  const blocks = Array.from({ length: gpus }, (_, index) => [
    cell(String(index), 'Name: NVIDIA H800'),
    cell('', `PCI Bus ID: 00000000:${(0x1a + index).toString(16).toUpperCase()}:00.0`),
    cell('', `Device UUID: ${dcgmiUuid(index)}`),
    line,
  ]);
  return [`${gpus} GPUs found.`, line, cell('GPU ID', 'Device Information'), line, ...blocks.flat(), ''].join('\n');
}

const hierarchy = `+-------------------+--------------------------------------------------------------------+
| Instance Hierarchy                                                                     |
+===================+====================================================================+
| GPU 0             | GPU ${dcgmiUuid(0)} (EntityID: 0)         |
${dcgmiInstances
  .map(
    ({ entity, gi }) =>
      `| -> I 0/${gi}          | GPU Instance (EntityID: ${entity})                                        |\n` +
      `|    -> CI 0/${gi}/0    | Compute Instance (EntityID: ${entity})                                    |\n`,
  )
  .join('')}+-------------------+--------------------------------------------------------------------+
`;

/** FP32 and FP16 take turns with the tensor cores. */
const profileList = `+----------------+----------+------------------------------------------------------+
| Group.Subgroup | Field ID | Field Tag                                            |
+----------------+----------+------------------------------------------------------+
| A.1            | 1002     | sm_active                                            |
| A.1            | 1003     | sm_occupancy                                         |
| A.1            | 1004     | tensor_active                                        |
| A.1            | 1006     | fp64_active                                          |
| A.2            | 1008     | fp16_active                                          |
| A.3            | 1007     | fp32_active                                          |
| B.0            | 1005     | dram_active                                          |
| C.0            | 1009     | pcie_tx_bytes                                        |
| C.0            | 1010     | pcie_rx_bytes                                        |
| D.0            | 1001     | gr_engine_active                                     |
| E.0            | 1011     | nvlink_tx_bytes                                      |
| E.0            | 1012     | nvlink_rx_bytes                                      |
+----------------+----------+------------------------------------------------------+
`;

/** Entities come in descending order; a value is 0.001 × its field's number, rates have as many bytes. */
function dmonOf(behaviour: DcgmiBehaviour, gpus: number): string {
  const names = [
    ...(behaviour === 'mig' ? dcgmiInstances.map(({ entity }) => `GPU-I ${entity}`) : []),
    ...Array.from({ length: gpus }, (_, index) => `GPU ${index}`),
  ];
  const refuse = (code: string) => `echo "Error setting watches. Result: ${code}"; exit 250`;
  const refusals: Partial<Record<DcgmiBehaviour, string>> = {
    'no-fp64': `case "$3" in *1006*) ${refuse('-6: Feature not supported')} ;; esac`,
    'refuses-all': refuse('-33: This request is serviced by a module of DCGM that is not currently loaded'),
    'needs-root': refuse(
      '-23: Unable to watch one or more of the requested fields because doing so requires the host engine to be running as root.',
    ),
  };
  return `
    count=0; [ "$6" = -c ] && count=$7; [ "$8" = -c ] && count=$9
    awk -v ids="$3" 'BEGIN { n = split(ids, id, ","); printf "%-10s", "#Entity"; for (i = 1; i <= n; i++) printf "%-13s", "F" id[i]; print "\\nID" }'
    ${refusals[behaviour] ?? ''}
    exec awk -v ids="$3" -v delay="$5" -v count="$count" -v names="${names.toReversed().join(',')}" -v behaviour=${behaviour} '${awkLoop}'`;
}

const awkLoop = `
function header(  i) {
  printf "%-10s", "#Entity"; for (i = 1; i <= n; i++) printf "%-13s", "F" id[i]; print "\\nID"
}
function cell(field, tick) {
  if (behaviour == "warms-up" && tick <= 2) return "N/A"
  if (field >= 1009 && field <= 1012) return field == ${TOO_WIDE_FIELD} ? "12345678..." : field
  return sprintf("%.3f", behaviour == "mig" && field == 1002 ? 1.294 : field / 1000 - 1)
}
BEGIN {
  n = split(ids, id, ","); m = split(names, name, ",")
  for (tick = 1; count == 0 || tick <= count; tick++) {
    for (e = 1; e <= m; e++) {
      printf "%-10s", name[e]
      for (i = 1; i <= n; i++) printf "%-13s", cell(id[i], tick)
      print ""
      if (behaviour == "dies-halfway" && tick == 2) { fflush(); exit 139 }
    }
    fflush()
    if (behaviour == "falls-silent" && tick == 2) system("exec sleep 1000")
    system("sleep " delay / 1000)
    if (tick % 14 == 0) header()
  }
}`;
