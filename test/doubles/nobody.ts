// Acts with the rights of a user who has none, also where the tests run as root.
const NOBODY = 65_534;

/** Runs synchronous code as nobody. What it opens must lie below folders that anybody may enter. */
export function asNobody<T>(act: () => T): T {
  if (process.geteuid?.() !== 0 || !process.seteuid) return act();
  process.seteuid(NOBODY);
  try {
    return act();
  } finally {
    process.seteuid(0);
  }
}
