import type { AppendHook } from '@rillflow/events'
import type { LoadedAhead } from './apply-fold.js'
import type { ProjectionRunner } from './projection-runner.js'

/** What appends do for an inline projection. */
export function inlineHook(runner: ProjectionRunner): AppendHook<LoadedAhead | undefined> {
  return {
    types: new Set(runner.projection.types),
    ahead: (scope, streamIds) => runner.ahead(scope, streamIds),
    run: (scope, events, ahead) => runner.applyBatch(scope, events, { shadow: false }, ahead),
  }
}
