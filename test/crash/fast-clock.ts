/**
 * Flags for Node under which the clocks of a program go `times` as fast since a moment, over its restarts
 * too, so that what is kept for hours has served within a test. Timers are not touched.
 */
export function fastClock(times: number, since: number): readonly string[] {
  const script = `
    const wall = Date.now;
    const monotonic = performance.now.bind(performance);
    Date.now = () => Math.floor(${since} + (wall() - ${since}) * ${times});
    performance.now = () => monotonic() * ${times};`;
  return [`--import=data:text/javascript,${encodeURIComponent(script)}`];
}
