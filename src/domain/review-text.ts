import { formatAmount, storedAmount } from './amount.js';
import type { ReviewFinding, ReviewThresholds } from './review.js';

const WHOLE = storedAmount('100');

/** What a review says of a finding: the guide's sentences, with the threshold that was asked for. */
export function findingMessage(finding: ReviewFinding, thresholds: ReviewThresholds): string {
  const { agentId, poolId } = finding;
  switch (finding.kind) {
    case 'AGENT_UNDERUSED': {
      const used = formatAmount(WHOLE - thresholds.agentUnderusedPercent);
      return `Agent ${agentId} using less than ${used}% of budget - consider reducing`;
    }
    case 'AGENT_DEPLETED':
      return `Agent ${agentId} budget nearly depleted - consider increasing`;
    case 'POOL_LOW': {
      const left = formatAmount(thresholds.poolLowPercent);
      return `Pool ${poolId} below ${left}% remaining - consider rebalancing`;
    }
  }
}
