import { UnstorableValueError, type ValuePath } from '../errors/usage-errors.js'

/** Any value that JSON can hold. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject

/** A JSON object. */
export interface JsonObject {
  readonly [key: string]: Json
}

/** Deeper values are refused: PostgreSQL's own parser gives up on them with an error that names nothing. */
const maxDepth = 500

/**
 * Writes `value` as JSON text, or refuses it: what `jsonb` gives back is deeply equal to what went in.
 *
 * Refused, with the path: `undefined` (also as a property: leave it out), functions, symbols, bigint, NaN and infinite
 * numbers, dates and every other class instance, holes in arrays, cycles, NUL characters, lone surrogates, and nesting
 * beyond 500 levels. `-0` is stored as `0`, as JSON itself does.
 *
 * @throws {@link UnstorableValueError}
 *
 * @example
 * ```ts
 * import { encodeJson } from '@rillflow/core'
 *
 * encodeJson({ total: 9.5, tags: ['new'] }) // '{"total":9.5,"tags":["new"]}'
 * encodeJson({ at: new Date(0) }) // throws: $.at is a Date
 * ```
 */
export function encodeJson(value: unknown): string {
  checkStorable(value)
  return JSON.stringify(value)
}

/** Throws unless {@link encodeJson} would take `value`. */
export function checkStorable(value: unknown): void {
  check(value, [])
}

function check(value: unknown, path: (string | number)[]): void {
  switch (typeof value) {
    case 'string':
      return checkText(value, path)
    case 'number':
      if (!Number.isFinite(value)) refuse(path, `${value}`, 'JSON has no such number; store null or a string')
      return
    case 'boolean':
      return
    case 'object':
      if (value !== null) checkObject(value, path)
      return
    case 'undefined':
      return refuse(path, 'undefined', 'leave the property out, or store null')
    case 'bigint':
      return refuse(path, 'a bigint', 'store a string, or a number when it is a safe integer')
    case 'function':
    case 'symbol':
      return refuse(path, `a ${typeof value}`, 'only data can be stored')
  }
}

function checkObject(value: object, path: (string | number)[]): void {
  if (path.length >= maxDepth)
    refuse(path, `nested deeper than ${maxDepth} levels`, 'flatten it; a cycle ends here too')
  if (!Array.isArray(value) && !isPlain(value)) refuseInstance(value, path)
  // Not among the keys when it is not enumerable or sits on an array; JSON.stringify calls it all the same.
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') {
    refuse([...path, 'toJSON'], 'a function', 'only data can be stored; store what it returns')
  }
  if (Array.isArray(value)) return checkArray(value, path)
  if (Object.getOwnPropertySymbols(value).length > 0) refuse(path, 'an object with symbol keys', 'use string keys')
  for (const key of Object.keys(value)) {
    path.push(key)
    checkText(key, path)
    check((value as Record<string, unknown>)[key], path)
    path.pop()
  }
}

function checkArray(value: readonly unknown[], path: (string | number)[]): void {
  // An index loop, because forEach would step over holes.
  for (let index = 0; index < value.length; index += 1) {
    path.push(index)
    check(value[index], path)
    path.pop()
  }
}

/** An object of another realm, as test runners and `vm` make them, has an `Object.prototype` of its own. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return true
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf')
}

const unstorableText = /\0|[\uD800-\uDFFF]/

function checkText(text: string, path: ValuePath): void {
  if (!unstorableText.test(text)) return
  if (text.includes('\0')) refuse(path, 'text with a NUL character', 'PostgreSQL cannot store it')
  if (!text.isWellFormed()) refuse(path, 'text with a lone surrogate', 'it is not valid Unicode; use toWellFormed()')
}

function refuseInstance(value: object, path: ValuePath): never {
  if (value instanceof Date) return refuse(path, 'a Date', 'store toISOString() or getTime(), and say so in the schema')
  const name = (value as { constructor?: { name?: unknown } }).constructor?.name
  return refuse(path, `an instance of ${typeof name === 'string' ? name : 'a class'}`, 'store a plain object')
}

function refuse(path: ValuePath, what: string, remedy: string): never {
  throw new UnstorableValueError([...path], `${formatPath(path)} is ${what}: ${remedy}.`)
}

/** Writes a path as people read it: `$.lines[2].price`; keys are cut so that no payload gets into a message. */
export function formatPath(path: ValuePath): string {
  const shown = path.slice(0, 12).map((segment) => {
    if (typeof segment === 'number') return `[${segment}]`
    return /^[A-Za-z_$][\w$]{0,40}$/.test(segment) ? `.${segment}` : `[${JSON.stringify(segment.slice(0, 40))}]`
  })
  return `$${shown.join('')}${path.length > 12 ? '…' : ''}`
}
