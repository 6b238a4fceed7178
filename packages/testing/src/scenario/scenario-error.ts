/**
 * The scenario itself is wrong, whatever the aggregate does: given events that cannot be, or no expectation.
 *
 * An expectation that does not hold is an `AssertionError` of `node:assert` instead.
 */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError'
}
