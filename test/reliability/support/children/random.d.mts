/** Random choices that a seed repeats. */
export class Random {
  constructor(seed: number)
  /** At least 0, below 1. */
  next(): number
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number
  /** True in this share of the calls. */
  chance(share: number): boolean
}
