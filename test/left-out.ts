// Which suites were left out, and why: `npm test` prints these lines at its end. With CI=true nothing may be left out.
import { appendFileSync } from 'node:fs';

interface LeavingOut {
  /** For what no installation can bring, such as the corpus folder: left out quietly even with CI=true. */
  readonly evenInCi?: boolean;
}

/** Records that a suite was left out. With CI=true it throws, so that the suite's file fails instead. */
export function leftOut(suite: string, reason: string, { evenInCi = false }: LeavingOut = {}): void {
  if (process.env['CI'] === 'true' && !evenInCi)
    throw new Error(`${suite} may not be left out with CI=true: ${reason}. Run npm run test:setup`);
  const file = process.env['WHYIDLE_LEFT_OUT'];
  const line = `${suite}: ${reason}`;
  if (file === undefined) console.warn(`left out: ${line}`);
  else appendFileSync(file, `${line}\n`);
}
