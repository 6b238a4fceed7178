import { describe, expect, test } from 'vitest'
import { InvalidStateError } from './usage-errors.js'
import { fromDriverError } from './from-driver-error.js'

/** An error as the driver makes it. */
function driverError(message: string, fields: object = {}): Error {
  return Object.assign(new Error(message), fields)
}

describe('fromDriverError', () => {
  test.each([
    ['40001', 'SerializationFailure', true],
    ['40P01', 'Deadlock', true],
    ['55P03', 'LockTimeout', true],
    ['57014', 'QueryCanceled', true],
    ['42501', 'PermissionDenied', false],
    ['25P02', 'TransactionAborted', false],
    ['23505', 'UniqueViolation', false],
    ['42P01', 'SchemaMissing', false],
    ['42883', 'SchemaMissing', false],
    ['3F000', 'SchemaMissing', false],
    ['42703', 'SchemaMissing', false],
    ['42704', 'SchemaMissing', false],
    ['57P01', 'ConnectionLost', true],
    ['57P02', 'ConnectionLost', true],
    ['57P03', 'ConnectionLost', true],
    ['57P05', 'ConnectionLost', true],
    ['53300', 'ConnectionLost', true],
    ['25P03', 'ConnectionLost', true],
    ['25P04', 'ConnectionLost', true],
    ['08006', 'ConnectionLost', true],
    ['08P01', 'ConnectionLost', true],
    ['22012', 'DatabaseError', false],
    ['23503', 'DatabaseError', false],
  ])('SQLSTATE %s is %s', (sqlState, code, retryable) => {
    const cause = driverError('canary', { code: sqlState })
    const error = fromDriverError(cause, 'append')

    expect(error).toMatchObject({ code, retryable, cause })
    expect(error.message).toMatch(/^append/)
    expect(error.message).not.toContain('canary')
  })

  test.each([
    'ECONNREFUSED',
    'ECONNRESET',
    'EPIPE',
    'ETIMEDOUT',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EHOSTUNREACH',
    'CONNECTION_CLOSED',
  ])('the socket error %s is a lost connection', (code) => {
    expect(fromDriverError(driverError('canary', { code }), 'put')).toMatchObject({
      code: 'ConnectionLost',
      retryable: true,
      message: expect.not.stringContaining('canary'),
    })
  })

  test.each([
    ['Connection terminated unexpectedly', 'ConnectionLost'],
    ['Connection terminated', 'ConnectionLost'],
    ['Client has encountered a connection error and is not queryable', 'ConnectionLost'],
    ['Client was closed and is not queryable', 'ConnectionLost'],
    ['Query read timeout', 'ConnectionLost'],
    ['timeout exceeded when trying to connect', 'PoolTimeout'],
    ['Connection terminated due to connection timeout', 'PoolTimeout'],
    ['something nobody has seen', 'DriverError'],
  ])('"%s" without a code is %s', (message, code) => {
    expect(fromDriverError(driverError(message), 'read')).toMatchObject({ code })
  })

  test('an SQL error keeps its meaning whatever words the program put in its message', () => {
    const raised = driverError('timeout exceeded when trying to connect', { code: 'P0001' })

    expect(fromDriverError(raised, 'put')).toMatchObject({ code: 'DatabaseError', sqlState: 'P0001' })
  })

  test('a Rillflow error comes back as it is', () => {
    const error = new InvalidStateError('over')

    expect(fromDriverError(error, 'put')).toBe(error)
  })

  test('a unique violation names its index', () => {
    const error = fromDriverError(driverError('x', { code: '23505', constraint: 'customers_email' }), 'put')

    expect(error).toMatchObject({ constraint: 'customers_email' })
    expect(error.message).toContain('customers_email')
  })

  test.each([undefined, null, 'text', 7, {}])('%j, which is no error at all, is a DriverError', (thrown) => {
    expect(fromDriverError(thrown, 'put')).toMatchObject({ code: 'DriverError' })
  })

  test('neither the detail nor the message of the driver gets into the message', () => {
    const cause = driverError('duplicate key canary', { code: '23505', detail: 'Key (email)=(canary) already exists.' })

    expect(fromDriverError(cause, 'put').message).not.toContain('canary')
  })
})
