/** Waits for something that another process does. The limit only ends a hang: it is no assertion about time. */
export async function until<T>(look: () => T | undefined | false | Promise<T | undefined | false>, what: string, limitMs = 20_000): Promise<T> {
  for (const end = performance.now() + limitMs; ; ) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`did not happen: ${what}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}
