import { InvalidConfigError } from '@rillflow/core'
import { describeVersion, type EventVersion, type Upcaster } from './upcaster.js'

/** What becomes of the stored events of one type. */
export interface Lineage {
  /** The type that they are read as. */
  readonly type: string
  /** The version that they are read as. */
  readonly version: number
  /** The newest version of the stored type itself that anything knows. */
  readonly newest: number
  /** The steps to be taken, by the version that is stored. */
  readonly paths: ReadonlyMap<number, readonly Upcaster[]>
}

/** What upcasters must fit to. */
export interface KnownTypes {
  /** The types of the families. */
  readonly types: ReadonlySet<string>
  /** Whether a chain that ends outside the families is refused: none of its events could ever be read. */
  readonly strict: boolean
}

/**
 * Makes the lineage of each type that the families or the upcasters name.
 *
 * @throws InvalidConfig for two steps from one form, a cycle, a chain with a hole in it, a type whose versions become
 * different types or that is renamed and still in a family, and a chain that ends outside the families.
 */
export function buildLineages(upcasters: readonly Upcaster[], known: KnownTypes): ReadonlyMap<string, Lineage> {
  const next = indexSteps(upcasters)
  const lineages = new Map<string, Lineage>()
  for (const type of known.types) lineages.set(type, { type, version: 1, newest: 1, paths: new Map() })
  for (const [type, forms] of formsByType(upcasters)) {
    const lineage = buildLineage(forms, next)
    checkEnd(type, lineage, known)
    lineages.set(type, lineage)
  }
  return lineages
}

type Steps = ReadonlyMap<string, Upcaster>

function indexSteps(upcasters: readonly Upcaster[]): Steps {
  const next = new Map<string, Upcaster>()
  for (const step of upcasters) {
    const from = describeVersion(step.from)
    if (next.has(from)) {
      throw new InvalidConfigError(`events: two upcasters begin at ${from}; which one is meant? Keep one.`)
    }
    next.set(from, step)
  }
  return next
}

function formsByType(upcasters: readonly Upcaster[]): ReadonlyMap<string, readonly EventVersion[]> {
  const forms = new Map<string, Map<number, EventVersion>>()
  for (const form of upcasters.flatMap(({ from, to }) => [from, to])) {
    const [type, version] = form
    const versions = forms.get(type) ?? new Map<number, EventVersion>()
    forms.set(type, versions.set(version, form))
  }
  return new Map([...forms].map(([type, versions]) => [type, [...versions.values()]]))
}

function buildLineage(forms: readonly EventVersion[], next: Steps): Lineage {
  const paths = new Map<number, readonly Upcaster[]>()
  let end: EventVersion | undefined
  for (const form of forms) {
    const steps = pathFrom(form, next)
    const its = steps.at(-1)?.to ?? form
    if (end !== undefined && describeVersion(its) !== describeVersion(end)) throw torn(form, its, end)
    end = its
    if (steps.length > 0) paths.set(form[1], steps)
  }
  const [type, version] = end as EventVersion
  return { type, version, newest: Math.max(...forms.map((form) => form[1])), paths }
}

function pathFrom(form: EventVersion, next: Steps): readonly Upcaster[] {
  const steps: Upcaster[] = []
  for (let step = next.get(describeVersion(form)); step !== undefined; step = next.get(describeVersion(step.to))) {
    steps.push(step)
    // A chain that never comes to the same step twice has at most all of them.
    if (steps.length > next.size) throw cycle(steps)
  }
  return steps
}

function checkEnd(type: string, lineage: Lineage, known: KnownTypes): void {
  if (known.types.has(type) && lineage.type !== type) {
    throw new InvalidConfigError(
      `events: upcasters turn ${type} into ${lineage.type}, and ${type} is in a family still. Take it out of the family: ` +
        'what is stored under the old name is read as the new one.',
    )
  }
  if (known.strict && !known.types.has(lineage.type)) {
    throw new InvalidConfigError(
      `events: upcasters turn ${type} into ${lineage.type}, which is in none of this store's families. ` +
        'Correct the name, pass its family, or choose another unknownTypes.',
    )
  }
}

function cycle(steps: readonly Upcaster[]): InvalidConfigError {
  const names = steps.map((step) => describeVersion(step.from))
  const first = names.indexOf(names.at(-1) as string)
  const round = names.slice(first, names.indexOf(names[first] as string, first + 1) + 1)
  return new InvalidConfigError(`events: the upcasters go round in a circle: ${round.join(' → ')}.`)
}

function torn(form: EventVersion, end: EventVersion, other: EventVersion): InvalidConfigError {
  return new InvalidConfigError(
    `events: the upcasters lead from ${describeVersion(form)} to ${describeVersion(end)}, and from another version of ` +
      `${form[0]} to ${describeVersion(other)}. All versions of a type must end in one: add the step that is missing.`,
  )
}
