// Chips whose sensors may be read without asking anybody: registers of the processor, ACPI zones, the Super I/O of the board.
// Not read: drives and adapters (a command to the device; node_exporter #2643), chips on I²C and IPMI, and firmware calls
// that stop a CPU (dell_smm). Documentation/hwmon/sysfs-interface.rst.
import { isAbsent } from '#agent/contract';
import type { Tree } from '../../sources/tree.ts';

const CLASS = 'sys/class/hwmon';
const MAX_CHIPS = 64;
const MAX_SENSORS = 256;

const plainChips =
  /^(?:coretemp|k8temp|k10temp|zenpower|via_cputemp|cpu_?thermal|soc_?thermal|acpitz|pch_\w+|(?:nct|it8|f7|f8|w83|sch|smsc|pc8)\w*)$/;

export interface Sensor {
  readonly kind: 'temp' | 'fan';
  readonly chip: string;
  readonly sensor: string;
  readonly path: string;
}

export interface Chip {
  /** Its directory: the number changes with every boot. */
  readonly hwmon: string;
  readonly name: string;
}

export interface Sensors {
  readonly sensors: readonly Sensor[];
  /** Names of chips that are left alone. */
  readonly leftAlone: readonly string[];
}

export function listChips(tree: Tree): readonly Chip[] {
  return tree
    .names(CLASS)
    .filter((name) => /^hwmon\d+$/.test(name))
    .slice(0, MAX_CHIPS)
    .map((name) => ({ hwmon: name, name: tree.word(`${CLASS}/${name}/name`) ?? '' }));
}

export function findSensors(tree: Tree, chips: readonly Chip[]): Sensors {
  const plain = chips
    .filter(({ name }) => plainChips.test(name))
    .map((chip) => ({ ...chip, label: labelOf(tree, chip) }));
  const isShared = (label: string): boolean => plain.filter((chip) => chip.label === label).length > 1;
  return {
    sensors: plain.flatMap(({ hwmon, label }) => sensorsOf(tree, hwmon, isShared(label) ? `${label}-${hwmon}` : label)),
    leftAlone: chips.filter(({ name }) => !plainChips.test(name)).map(({ name }) => name),
  };
}

/** The chip's name and which one it is: coretemp.0, k10temp-0000:00:18.3. */
function labelOf(tree: Tree, { hwmon, name }: Chip): string {
  const resolved = tree.resolve(`${CLASS}/${hwmon}/device`);
  const device = isAbsent(resolved) ? '' : (resolved.split('/').at(-1) ?? '');
  if (device === '' || device === hwmon || device === name) return name;
  return device.startsWith(name) ? device : `${name}-${device}`;
}

function sensorsOf(tree: Tree, hwmon: string, chip: string): readonly Sensor[] {
  const directory = `${CLASS}/${hwmon}`;
  const found = tree.names(directory).flatMap((file) => inputOf(tree, directory, file));
  const isOnly = (label: string): boolean => found.filter((one) => one.label === label).length === 1;
  return found
    .toSorted((a, b) => a.kind.localeCompare(b.kind) || a.number - b.number)
    .slice(0, MAX_SENSORS)
    .map(({ kind, name, label, path }) => ({
      ...{ kind, chip, path },
      sensor: label !== '' && label.length <= 60 && isOnly(label) ? label : name,
    }));
}

interface Input {
  readonly kind: 'temp' | 'fan';
  readonly number: number;
  readonly name: string;
  /** Empty where the chip has none. */
  readonly label: string;
  readonly path: string;
}

function inputOf(tree: Tree, directory: string, file: string): readonly Input[] {
  const [, kind = '', number = ''] = /^(temp|fan)(\d{1,3})_input$/.exec(file) ?? [];
  if (kind !== 'temp' && kind !== 'fan') return [];
  const name = `${kind}${number}`;
  const label = tree.word(`${directory}/${name}_label`) ?? '';
  return [{ kind, number: Number(number), name, label, path: `${directory}/${file}` }];
}
