// `COMMAND --help` asks for help, whatever else is said.

export function wantsHelp(args: readonly string[]): boolean {
  return args.includes('--help') || args.includes('-h');
}
