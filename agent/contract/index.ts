// What others may know of the agent. Pure and browser-safe: no Node module below this folder.
export * from './absence.ts';
export * from './catalogue.ts';
export * from './compat/dcgm-exporter.ts';
export * from './fabric.ts';
export * from './frame.ts';
export * from './inventory.ts';
export * from './labels.ts';
export * from './metrics/row.ts';
export * from './owners.ts';
export * from './seq-set.ts';
export * from './settings.ts';
export * from './signals.ts';
export * from './text-format.ts';
export * from './units.ts';
export * from './wire.ts';
export * from './xid.ts';
