/** What a history of reads and writes can show that no order of its transactions explains. */
export type AnomalyName =
  // Of one register, whose versions give the order of its writes.
  | 'lost update'
  | 'wrong value'
  | 'wrong expectation'
  | 'false conflict'
  | 'version hole'
  | 'stale'
  // Of accounts.
  | 'sum'
  | 'missing account'
  // Of lists, by the names of Adya's thesis.
  | 'G0'
  | 'G1a'
  | 'G1b'
  | 'G1c'
  | 'G-single'
  | 'G2-item'
  | 'wrong order'
  // Of all of them.
  | 'phantom'
  | 'lost'
  | 'unacknowledged'

/** One of them, and where it was seen. */
export interface Anomaly {
  readonly name: AnomalyName
  readonly subject: string
}

/** How often each anomaly was found; empty when all is well. */
export function countAnomalies(anomalies: readonly Anomaly[]): Readonly<Partial<Record<AnomalyName, number>>> {
  const counts: Partial<Record<AnomalyName, number>> = {}
  for (const { name } of anomalies) counts[name] = (counts[name] ?? 0) + 1
  return counts
}
