#!/usr/bin/env node
/** The composition root: which store, which ledger, which transports, which command line. */
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Sidecar, StartSidecar } from './cli/serve.js';
import { processTerminal } from './cli/terminal.js';
import { beginVerifier, verifyInChild } from './cli/verify-child.js';
import type { Config } from './config/config.js';
import type { AddressPolicy } from './domain/notification/address-policy.js';
import type { LedgerApi, VerificationReport } from './ledger/api.js';
import type { TimeSource } from './ledger/clock.js';
import type { LedgerOptions } from './ledger/ledger.js';
import type { Store } from './ledger/store.js';
import type { ListenOptions } from './rpc/server.js';
import type { RestoreReport } from './store/restore.js';
import type { Log } from './telemetry/log.js';
import type { Protection } from './cli/protection.js';

/** How often the ledger's head goes into the log. */
const HEAD_LOG_MS = 60_000;

/**
 * A start waits for the process that verifies the store, which takes as long to begin as this one: it
 * begins before anything else is loaded: a start took 0.43 s when it began later, and takes 0.33 s.
 */
let early = process.argv[2] === 'serve' ? beginVerifier() : undefined;

const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
const { version } = JSON.parse(manifest) as { readonly version: string };

// Whoever reads, such as `head`, may stop reading; a sidecar serves on all the same.
process.stdout.on('error', () => {
  if (process.argv[2] !== 'serve') process.exit();
});

const { run } = await import('./cli/program.js');
process.exitCode = await run(
  process.argv.slice(2),
  { version, start: startSidecar, verify: verifyData, restore: restoreData },
  processTerminal,
);
early?.close();
// Whatever still hangs must not keep a command that is done.
setTimeout(() => process.exit(), 2_000).unref();

/** Opens the store, the ledger on it, then the listeners; closes in the opposite order. */
async function startSidecar(...[config, log, fail]: Parameters<StartSidecar>): Promise<Sidecar> {
  const { checkProtection, followProtection, readProtection } = await import('./cli/protection.js');
  checkProtection(config);
  const opening = await beginToOpen(config);
  // The store is verified in another process meanwhile.
  const [
    store,
    { openDisk },
    { refusingBroken },
    { STORE_FOLDER },
    { openLedger },
    { startNotifier },
    { startServer },
    { limitsInForce },
  ] = await Promise.all([
    opening.store,
    import('./store/disk.js'),
    import('./store/refused.js'),
    import('./store/open.js'),
    import('./ledger/ledger.js'),
    import('./delivery/notifier.js'),
    import('./rpc/server.js'),
    import('./config/config.js'),
  ]);
  const disk = openDisk(config.dataDir, config.diskBallastBytes);
  const ledger = await refusingBroken(`${config.dataDir}/${STORE_FOLDER}`, () =>
    openLedger({ ...ledgerOptions(config, store, opening.time, log, fail), disk }),
  );
  const policy: AddressPolicy = {
    privateAddressesAllowed: config.webhookPrivateAddresses,
    allowedRanges: config.webhookAllowedRanges,
  };
  const { outbox } = ledger;
  const now = () => ledger.now();
  const notifier = startNotifier({ outbox, policy, now, random, version, log });
  try {
    const protection = readProtection(config, log);
    const server = await startServer({
      ledger,
      listeners: await listenersOf(config, protection),
      asks: protection.asks,
      credentials: protection.credentials,
      limits: config,
      allowedHosts: config.allowedHosts,
      version,
      limitsTable: limitsInForce(config),
      log,
      startTime: now(),
      notifications: { policy, test: notifier.test },
    });
    const [agent, admin] = server.addresses;
    const witness = setInterval(() => logHead(ledger, log), HEAD_LOG_MS);
    witness.unref();
    const unfollow = followProtection(config, server, log);
    return {
      version,
      storeId: ledger.info().storeId,
      agentAddress: agent?.address ?? '',
      adminAddress: admin?.address ?? '',
      close: async () => {
        if (config.shutdownLingerMs > 0) await server.linger(config.shutdownLingerMs);
        // Not before: who lingers may do so for an hour, and is judged by what is in force then.
        clearInterval(witness);
        unfollow();
        // Receivers are not waited for: what they have not answered is sent after the next start.
        const quiet = notifier.close();
        await server.close({ graceMs: config.shutdownGraceMs });
        await quiet;
        await ledger.close();
      },
    };
  } catch (error) {
    await notifier.close();
    await ledger.close();
    throw error;
  }
}

/** From 0 up to below 1. */
function random(): number {
  return randomInt(2 ** 32) / 2 ** 32;
}

/** A witness of the chain outside of the store: what the log has seen cannot be rewritten unnoticed. */
function logHead(ledger: LedgerApi, log: Log): void {
  const { headSequence, headHash } = ledger.info();
  log.info({ headSequence, headHash: Buffer.from(headHash).toString('hex') }, 'Ledger head');
}

/** The first is where agents call, the second where operators do. */
async function listenersOf(
  config: Config,
  { agentTls, adminTls }: Protection,
): Promise<readonly ListenOptions[]> {
  const { formatAddress } = await import('./config/address.js');
  const { agentListen, adminListen, agentSocket } = config;
  const listeners: ListenOptions[] = [
    { trust: 'agent', address: formatAddress(agentListen), tls: agentTls },
    { trust: 'admin', address: formatAddress(adminListen), tls: adminTls },
  ];
  if (agentSocket !== undefined) {
    const { agentSocketMode: socketMode, agentSocketOwner: socketOwner } = config;
    listeners.push({ trust: 'agent', address: `unix:${agentSocket}`, socketMode, socketOwner });
  }
  return listeners;
}

interface Opening {
  readonly store: Promise<Store>;
  readonly time: TimeSource;
}

async function beginToOpen(config: Config): Promise<Opening> {
  const [{ machineTime }, { openStore }] = await Promise.all([
    import('./ledger/clock.js'),
    import('./store/open.js'),
  ]);
  const store = openStore({
    dataDir: config.dataDir,
    mapBytes: config.storeMapBytes,
    backupDir: config.backupDir,
    wall: machineTime.wall(),
    acceptClock: config.acceptClock,
    verify: (folder, scope) => {
      const verifier = early ?? beginVerifier();
      early = undefined;
      return verifier.verify(folder, scope);
    },
  });
  return { store, time: machineTime };
}

function ledgerOptions(
  config: Config,
  store: Store,
  time: TimeSource,
  log: Log,
  onStorageFailed: (error: unknown) => void,
): Omit<LedgerOptions, 'disk'> {
  return {
    store,
    time,
    clock: { jumpMaxMs: config.clockJumpMaxMs, settleMs: config.clockSettleMs },
    policy: config,
    idempotencyTtlMs: config.idempotencyTtlMs,
    sweepIntervalMs: config.sweepIntervalMs,
    queueCommandsMax: config.queueCommandsMax,
    groupCommandsMax: config.groupCommandsMax,
    agentCacheRows: config.agentCacheMax,
    reservationCacheRows: config.reservationCacheMax,
    watchedAgentsMax: config.watchedAgentsMax,
    entriesRetentionMs: config.entriesRetentionMs,
    entriesBytesMax: config.entriesBytesMax,
    usageMinutesRetentionMs: config.usageMinutesRetentionMs,
    usageHoursRetentionMs: config.usageHoursRetentionMs,
    usageDaysRetentionMs: config.usageDaysRetentionMs,
    violationsRetentionMs: config.violationsRetentionMs,
    violationsMax: config.violationsMax,
    outbox: config,
    onDeliveriesDropped: (channelId, count) => {
      const message = 'Too many notifications wait for a channel. The least severe are given up';
      log.warn({ channel_id: channelId, count }, message);
    },
    diskSoftBytes: config.diskSoftBytes,
    diskHardBytes: config.diskHardBytes,
    onDiskLevel: (level, freeBytes) => {
      if (level === 'OK') log.warn({ freeBytes }, 'The disk has room again');
      else log.warn({ level, freeBytes }, 'The disk has little room: see DISK_LOW');
    },
    onDamage: (problem) => {
      const advice = 'Run safeguards verify and restore a backup';
      log.error({ problem, advice }, 'The ledger does not verify');
    },
    onStorageFailed,
  };
}

async function verifyData(dataDir: string): Promise<VerificationReport> {
  const { STORE_FOLDER } = await import('./store/open.js');
  return verifyInChild(`${dataDir}/${STORE_FOLDER}`, 'ALL');
}

async function restoreData(from: string, dataDir: string): Promise<RestoreReport> {
  const [{ machineTime }, { restoreStore }] = await Promise.all([
    import('./ledger/clock.js'),
    import('./store/restore.js'),
  ]);
  return restoreStore({ from, dataDir, wall: machineTime.wall(), verify: verifyInChild });
}
