import { resolveConfig } from '../../src/config/config.js';
import { verifyInChild } from '../../src/cli/verify-child.js';
import { machineTime, type TimeSource } from '../../src/ledger/clock.js';
import { openLedger, type Ledger } from '../../src/ledger/ledger.js';
import { openStore } from '../../src/store/open.js';

/** Commands that share a transaction: fewer syncs than a sidecar has, the same rows. */
const GROUP_COMMANDS = 8_192;

/** Longer than seeding takes: nothing is swept meanwhile. */
const NEVER_MS = 2_000_000_000;

/** Opens a ledger on a data directory without a transport, with the settings of a sidecar. */
export async function openSeedLedger(
  dataDir: string,
  time: TimeSource = machineTime,
): Promise<Ledger> {
  const config = resolveConfig({ flags: { data_dir: dataDir } });
  const store = await openStore({
    dataDir,
    mapBytes: config.storeMapBytes,
    backupDir: undefined,
    wall: time.wall(),
    acceptClock: false,
    verify: verifyInChild,
  });
  const fail = (problem: unknown): never => {
    throw problem instanceof Error ? problem : new Error(String(problem));
  };
  // Whatever else is kept for so long, or of so many, is as in a sidecar.
  const asConfigured = { ...config, onDamage: fail, onStorageFailed: fail };
  return openLedger({
    ...asConfigured,
    disk: undefined,
    onDiskLevel: () => undefined,
    store,
    time,
    clock: { jumpMaxMs: config.clockJumpMaxMs, settleMs: config.clockSettleMs },
    policy: config,
    sweepIntervalMs: NEVER_MS,
    queueCommandsMax: 4 * GROUP_COMMANDS,
    groupCommandsMax: GROUP_COMMANDS,
    agentCacheRows: config.agentCacheMax,
    reservationCacheRows: config.reservationCacheMax,
    outbox: config,
    onDeliveriesDropped: () => undefined,
  });
}
