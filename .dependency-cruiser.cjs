// The layer graph: web -> server -> agent, only through the contracts and the doors named here.
const doors = '^agent/(journal/index|command|simulator/index|ssh/index)\\.ts$';

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true },
      comment: 'Break the circle: move what both need to the lower layer.',
    },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'agent-knows-nobody',
      severity: 'error',
      comment: 'The agent is the lowest layer: it imports neither server nor web.',
      from: { path: '^agent/' },
      to: { path: '^(server|web|dashboards|test)/' },
    },
    {
      name: 'server-to-agent-by-contract',
      severity: 'error',
      comment:
        'The server knows the agent by #agent/contract, #agent/journal, #agent/command, #agent/simulator and #agent/ssh only.',
      from: { path: '^server/' },
      to: { path: '^agent/', pathNot: ['^agent/contract/', doors] },
    },
    {
      name: 'server-knows-no-web',
      severity: 'error',
      comment: 'The server serves the built app; it does not import it.',
      from: { path: '^server/' },
      to: { path: '^(web|dashboards|test)/' },
    },
    {
      name: 'web-by-contract',
      severity: 'error',
      comment: 'The page knows #server/contract and #agent/contract only.',
      from: { path: '^web/' },
      to: { path: '^(server|agent)/', pathNot: ['^server/contract/', '^agent/contract/'] },
    },
    {
      name: 'contract-is-pure',
      severity: 'error',
      comment: 'Contracts are browser-safe: no Node module, nothing outside the contracts.',
      from: { path: '^(agent|server)/contract/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'agent-contract-stands-alone',
      severity: 'error',
      comment: 'agent/contract imports only itself and valibot.',
      from: { path: '^agent/contract/' },
      to: { pathNot: ['^agent/contract/', 'node_modules/valibot'] },
    },
    {
      name: 'server-contract-on-agent-contract',
      severity: 'error',
      comment: 'server/contract imports only itself and #agent/contract.',
      from: { path: '^server/contract/' },
      to: { pathNot: ['^server/contract/', '^agent/contract/', 'node_modules/valibot'] },
    },
    {
      name: 'parsers-are-pure',
      severity: 'error',
      comment: 'A parser turns text into data: no Node module, no source.',
      from: { path: '^agent/parse/' },
      to: { pathNot: ['^agent/parse/', '^agent/contract/', 'node_modules/(valibot|saxes)'] },
    },
    {
      name: 'one-place-for-charts',
      severity: 'error',
      comment: 'Only web/charts touches chart.js.',
      from: { path: '^web/', pathNot: '^web/charts/' },
      to: { path: 'node_modules/chart\\.js' },
    },
    {
      name: 'no-tests-in-programs',
      severity: 'error',
      from: { path: '^(agent|server|web|dashboards)/' },
      to: { path: '^test/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'svelte', 'default', 'types'],
      extensions: ['.ts', '.svelte', '.js', '.json'],
    },
  },
};
