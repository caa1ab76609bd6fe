// What the doctor prints: aligned text whose marks are words, or JSON.
import { metricName } from '#agent/contract';
import type { Ability } from './capabilities.ts';
import { needsSomebody, type DoctorArea, type Finding, type Mark } from './finding.ts';

export interface Report {
  readonly node: string;
  readonly time: string;
  readonly findings: readonly Finding[];
  /** Empty on a node without GPUs. */
  readonly abilities: readonly Ability[];
}

const titles: Readonly<Record<DoctorArea, string>> = {
  gpu: 'GPUs',
  profiling: 'Profiling',
  fabric: 'NVLink fabric',
  kernel_log: 'Kernel log',
  infiniband: 'InfiniBand',
  nvme: 'NVMe',
  mounts: 'File systems',
  pressure: 'Pressure',
  processes: 'Processes',
  agent: 'Agent',
};

/** SGR numbers; the word itself tells without them. */
const colours: Readonly<Record<Mark, number>> = { ok: 32, none: 2, warning: 33, missing: 31 };
const AREA_WIDTH = 15;
const MARK_WIDTH = 9;
const INDENT = ' '.repeat(AREA_WIDTH + MARK_WIDTH);

export function renderText({ node, findings, abilities }: Report, inColour: boolean): string {
  const lines = findings.flatMap((finding, at) => renderFinding(finding, findings[at - 1]?.area, inColour));
  const { length } = findings.filter(needsSomebody);
  const sum = length === 0 ? 'nothing to do' : `${length} ${length === 1 ? 'thing' : 'things'} to look at`;
  return `${[`${node}: ${sum}`, '', ...lines, ...renderAbilities(abilities)].join('\n')}\n`;
}

function renderFinding(finding: Finding, before: DoctorArea | undefined, inColour: boolean): readonly string[] {
  const { area, mark, what, why, command } = finding;
  const title = (area === before ? '' : titles[area]).padEnd(AREA_WIDTH);
  return [
    `${title}${painted(mark, inColour)}${what}`,
    ...(why === undefined ? [] : [`${INDENT}why: ${why}`]),
    ...(command === undefined ? [] : [`${INDENT}${command.kind}: ${command.text}`]),
  ];
}

function painted(mark: Mark, inColour: boolean): string {
  const word = mark.padEnd(MARK_WIDTH);
  return inColour ? `\u001b[${colours[mark]}m${word}\u001b[0m` : word;
}

const abilityWords = { yes: 'yes', partly: 'less sure', no: 'no' } as const;
const CLASS_WIDTH = 40;

function renderAbilities(abilities: readonly Ability[]): readonly string[] {
  if (abilities.length === 0) return ['', 'There is no GPU here to be judged.'];
  const order = Object.keys(abilityWords);
  const sorted = abilities.toSorted((a, b) => order.indexOf(a.can) - order.indexOf(b.can));
  // Without any reading of a GPU every row would say so again.
  const blind = sorted.every(({ capability, can }) => can !== 'yes' || capability.needs.length === 0);
  const rows = sorted.filter(({ can }) => !blind || can !== 'no').flatMap(renderAbility);
  const rest = blind ? ['Nothing else: no GPU is read.'] : [];
  return ['', 'What the readings of this node can show', ...rows, ...rest];
}

function renderAbility(ability: Ability): readonly string[] {
  const { capability, can } = ability;
  const reason = reasonOf(ability);
  return capability.classes.map((leaf, at) =>
    `${abilityWords[can].padEnd(AREA_WIDTH)}${leaf.padEnd(CLASS_WIDTH - AREA_WIDTH)}${at === 0 || reason === '' ? reason : 'likewise'}`.trimEnd(),
  );
}

function reasonOf({ capability, can, missing }: Ability): string {
  const metrics = missing.map((group) => group.join(' or ')).join(', ');
  if (can === 'partly') return `surer with ${metrics}`;
  const parts = [metrics, capability.lacks ?? ''].filter((part) => part !== '');
  return parts.length === 0 ? '' : `needs ${parts.join('; ')}`;
}

export interface DoctorDocument {
  readonly schema_version: 1;
  readonly node: string;
  readonly time: string;
  readonly findings: readonly {
    readonly area: DoctorArea;
    readonly mark: Mark;
    readonly what: string;
    readonly why: string | null;
    readonly fix: string | null;
    readonly look: string | null;
  }[];
  readonly verdicts: readonly {
    readonly class: string;
    readonly can: Ability['can'];
    /** Any one metric of a group is enough. */
    readonly missing_metrics: readonly (readonly string[])[];
    readonly lacks: string | null;
  }[];
}

export function renderDocument({ node, time, findings, abilities }: Report): DoctorDocument {
  return {
    schema_version: 1,
    node,
    time,
    findings: findings.map(({ area, mark, what, why, command }) => ({
      area,
      mark,
      what,
      why: why ?? null,
      fix: command?.kind === 'fix' ? command.text : null,
      look: command?.kind === 'look' ? command.text : null,
    })),
    verdicts: abilities.flatMap(({ capability, can, missing }) =>
      capability.classes.map((leaf) => ({
        class: leaf,
        can,
        missing_metrics: missing.map((group) => group.map(metricName)),
        lacks: capability.lacks ?? null,
      })),
    ),
  };
}
