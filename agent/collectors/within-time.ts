// How long a reading waits for answers that come by themselves: what comes later is entered when it comes.
export async function withinTime(timeoutMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const time = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([work, time]);
  clearTimeout(timer);
}
