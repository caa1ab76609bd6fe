// What others may know of the server. Pure and browser-safe.
export * from './api.ts';
export * from './attribution.ts';
export * from './chart-lines.ts';
export * from './causes.ts';
export * from './charts.ts';
export * from './fabric-api.ts';
export * from './incidents.ts';
export * from './jobs-api.ts';
export * from './ledger-api.ts';
export * from './live.ts';
export * from './query.ts';
export * from './verdicts.ts';
