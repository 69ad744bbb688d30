import { parseAmount, storedAmount, type Amount } from '../../domain/amount.js';
import type { Rejection } from '../../domain/answer.js';
import { DEFAULT_THRESHOLDS, type ReviewRequest } from '../../domain/review.js';
import type {
  ListBudgetReviewsRequest,
  RunBudgetReviewRequest,
} from '../../gen/safeguards/v1/review_pb.js';
import { formOf, judged, refuseField } from './form.js';
import type { Form } from './form.js';
import { adminFields } from './pool.js';
import { listingOf } from './query.js';
import type { Listing } from './query.js';
import { optionalId } from './text.js';

const PERCENT_MAX = storedAmount('100');

/** Reads what is to be reviewed. */
export function decodeRunReview(request: RunBudgetReviewRequest): ReviewRequest | Rejection {
  const form = formOf();
  const common = adminFields(form, request);
  const poolId = optionalId(form, 'pool_id', request.poolId);
  const { agentUnderusedPercent, agentDepletedPercent, poolLowPercent } = DEFAULT_THRESHOLDS;
  const share = (field: string, value: string, fallback: Amount) =>
    percentOf(form, field, value, fallback);
  const before = form.violations.length;
  const thresholds = {
    agentUnderusedPercent: share(
      'agent_underused_percent',
      request.agentUnderusedPercent,
      agentUnderusedPercent,
    ),
    agentDepletedPercent: share(
      'agent_depleted_percent',
      request.agentDepletedPercent,
      agentDepletedPercent,
    ),
    poolLowPercent: share('pool_low_percent', request.poolLowPercent, poolLowPercent),
  };
  const crossed = thresholds.agentDepletedPercent > thresholds.agentUnderusedPercent;
  if (crossed && form.violations.length === before) {
    const advice = 'Give a percentage that is not above agent_underused_percent';
    refuseField(form, 'agent_depleted_percent', advice);
  }
  return judged(form, { ...common, poolId, thresholds });
}

/** Reads which reviews are listed: all. */
export function decodeListReviews(
  request: ListBudgetReviewsRequest,
): Listing<undefined> | Rejection {
  return listingOf(formOf(), undefined, ['ListBudgetReviews'], request);
}

function percentOf(form: Form, field: string, value: string, fallback: Amount): Amount {
  if (value === '') return fallback;
  const percent = parseAmount(value);
  if (percent !== undefined && percent <= PERCENT_MAX) return percent;
  refuseField(form, field, 'Give a percentage from 0 to 100 as in 12.5');
  return fallback;
}
