/** `npm run bench -- [scenario ...]`: measures, prints and keeps. */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { thisMachine } from './machine.js';
import { keep, resultOf, tableOf } from './report.js';
import { runScenario } from './scenario.js';
import { SCENARIOS } from './scenarios.js';
import { startServers } from './servers.js';

const BUILD = 'dist/main.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    /** Where results are kept. */
    results: { type: 'string', default: 'bench/results' },
    /** The compiled sidecar. */
    sidecar: { type: 'string', default: BUILD },
    /** A folder for CPU profiles of the sidecar: what was profiled is slower. */
    profile: { type: 'string' },
  },
});

const known = SCENARIOS.map(({ name }) => name);
const unknown = positionals.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`No scenario ${unknown.join(', ')}. There are: ${known.join(', ')}.`);
  process.exit(2);
}

const options = { rounds: Number(values.rounds), seconds: Number(values.seconds) };
const here = thisMachine();
// Another build is of a commit that nobody here knows.
const machine = values.sidecar === BUILD ? here : { ...here, commit: 'unknown' };
for (const scenario of SCENARIOS) {
  if (positionals.length > 0 && !positionals.includes(scenario.name)) continue;
  const servers = await startServers({
    sidecarScript: path.resolve(values.sidecar),
    profileFolder: values.profile,
  });
  try {
    const outcome = await runScenario(scenario, servers, options);
    const result = resultOf(scenario, outcome, options.seconds, machine);
    keep(result, values.results);
    console.log(tableOf([result]).split('\n').slice(5).join('\n'));
  } finally {
    await servers.close();
  }
}
