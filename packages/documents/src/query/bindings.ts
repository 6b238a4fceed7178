import { InvalidArgumentError } from '@rillflow/core'
import { quote } from '../describe-document.js'
import { isParam, nameOf } from './param.js'

/** How a value is written for PostgreSQL. */
export type Encode = (value: unknown) => unknown

/** The place of a value that each run brings. */
class Slot {
  readonly #name: string
  readonly #encode: Encode
  constructor(name: string, encode: Encode) {
    this.#name = name
    this.#encode = encode
  }

  fill(values: Readonly<Record<string, unknown>>): unknown {
    if (!Object.hasOwn(values, this.#name) || values[this.#name] === undefined) {
      throw new InvalidArgumentError('params', `The parameter ${quote(this.#name)} has no value.`)
    }
    return this.#encode(values[this.#name])
  }
}

/** The parameters of one statement, in the order of their numbers: no value of a query ever gets into its text. */
export class Bindings {
  readonly #values: unknown[] = []

  /** Binds a value, and gives what stands for it in the text. */
  bind(value: unknown, encode: Encode): string {
    this.#values.push(isParam(value) ? new Slot(nameOf(value), encode) : encode(value))
    return `$${this.#values.length}`
  }

  /** The values to send; those of a compiled query come from `params`. */
  values(params: Readonly<Record<string, unknown>> = {}): readonly unknown[] {
    return this.#values.map((value) => (value instanceof Slot ? value.fill(params) : value))
  }
}
