import { InvalidArgumentError } from '@rillflow/core'
import type { EventRegistry } from '../definitions/event-registry.js'
import type { EventVersion } from './upcaster.js'

/** The upcasters of a store, to look at. */
export interface UpcasterCatalog {
  /** Every step, in the order in which they were passed. */
  list(): readonly { readonly from: EventVersion; readonly to: EventVersion }[]
  /**
   * Every form that an event takes from the one that is stored to the one that is read, both included; one alone when
   * nothing has to be done.
   *
   * @throws InvalidArgument when nothing knows this type in this version.
   */
  path(type: string, schemaVersion: number): readonly EventVersion[]
}

/** Shows the upcasters of a registry. */
export function upcasterCatalog(registry: EventRegistry): UpcasterCatalog {
  return {
    list: () => registry.upcasters.map(({ from, to }) => ({ from, to })),
    path(type, schemaVersion) {
      const lineage = registry.lineageOf(type)
      const start: EventVersion = [type, schemaVersion]
      if (lineage !== undefined && lineage.type === type && lineage.version === schemaVersion) return [start]
      const steps = lineage?.paths.get(schemaVersion)
      if (steps !== undefined) return [start, ...steps.map(({ to }) => to)]
      const known = lineage === undefined ? 'the type is unknown' : `it is known up to version ${lineage.newest}`
      throw new InvalidArgumentError(
        lineage === undefined ? 'type' : 'schemaVersion',
        `Nothing leads from ${JSON.stringify(String(type).slice(0, 100))} ${String(schemaVersion)} to a form that is read: ${known}.`,
      )
    },
  }
}
