// Messages for people, on stderr: one line per change of state, logfmt.

export type Details = Readonly<Record<string, string | number | boolean>>;

export interface Log {
  info(message: string, details?: Details): void;
  warn(message: string, details?: Details): void;
}

export function createLog(write: (line: string) => void): Log {
  const line = (level: string, message: string, details: Details = {}): void => {
    const pairs = Object.entries(details).map(([key, value]) => ` ${key}=${quote(String(value))}`);
    write(`${new Date().toISOString()} ${level} server: ${message}${pairs.join('')}\n`);
  };
  return {
    info: (message, details) => {
      line('info', message, details);
    },
    warn: (message, details) => {
      line('warn', message, details);
    },
  };
}

export const silentLog: Log = { info: () => undefined, warn: () => undefined };

/** What others sent is printed so that it can neither break the line nor colour the terminal. */
function quote(text: string): string {
  return /^[\w.:/@-]+$/.test(text) ? text : JSON.stringify(text);
}
