import type { LedgerApi } from '../ledger/api.js';
import type { MetricsService } from '../gen/safeguards/v1/metrics_service_pb.js';
import { decodeRecordBudgetChange } from './decode/budget-change.js';
import { decodeBudgetChanges } from './decode/metrics.js';
import { decodeId } from './decode/query.js';
import { decodeListReviews, decodeRunReview } from './decode/review.js';
import { written } from './encode/admin.js';
import { encodeReview, encodeReviewView } from './encode/review.js';
import { optionalTimestamp } from './encode/time.js';
import { encodeBudgetChange } from './encode/usage.js';
import type { HandlersOf } from './method.js';
import { nextPageToken } from './paging.js';
import { isFailure } from './status.js';

/** What changed budgets, and what reviews found of them. */
export function reviewMethods(ledger: LedgerApi) {
  return {
    listBudgetChanges: (request) => {
      const listing = decodeBudgetChanges(request);
      if (isFailure(listing)) return listing;
      const { agentId, kinds, range } = listing.filter;
      const page = ledger.budgetChanges(agentId, kinds, range, listing.page);
      if (isFailure(page)) return page;
      return {
        $typeName: 'safeguards.v1.ListBudgetChangesResponse',
        changes: page.items.map(encodeBudgetChange),
        nextPageToken: nextPageToken(listing.identity, page.last),
        retainedFromTime: optionalTimestamp(page.retainedFrom),
      };
    },

    recordBudgetChange: async (request, caller) => {
      const command = decodeRecordBudgetChange(request);
      if (isFailure(command)) return command;
      const recorded = await ledger.recordBudgetChange(command, caller);
      if (isFailure(recorded)) return recorded;
      return {
        $typeName: 'safeguards.v1.RecordBudgetChangeResponse',
        ...written(recorded.outcome),
        change: encodeBudgetChange(recorded.change),
      };
    },

    runBudgetReview: async (request, caller) => {
      const wanted = decodeRunReview(request);
      if (isFailure(wanted)) return wanted;
      const made = await ledger.runReview(wanted, 'MANUAL', caller);
      if (isFailure(made)) return made;
      return {
        $typeName: 'safeguards.v1.RunBudgetReviewResponse',
        ...written(made.outcome),
        findings: [],
        ...(made.view && encodeReviewView(made.view)),
      };
    },

    getBudgetReview: ({ reviewId }) => {
      const id = decodeId('review_id', reviewId);
      if (typeof id !== 'string') return id;
      const view = ledger.review(id);
      if (isFailure(view)) return view;
      return { $typeName: 'safeguards.v1.GetBudgetReviewResponse', ...encodeReviewView(view) };
    },

    listBudgetReviews: (request) => {
      const listing = decodeListReviews(request);
      if (isFailure(listing)) return listing;
      const page = ledger.listReviews(listing.page);
      return {
        $typeName: 'safeguards.v1.ListBudgetReviewsResponse',
        reviews: page.items.map(encodeReview),
        nextPageToken: nextPageToken(listing.identity, page.last),
      };
    },
  } satisfies HandlersOf<typeof MetricsService>;
}
