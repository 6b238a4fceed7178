import { describe, expect, test } from 'vitest'
import { pickAccount } from './server-account.js'

const ROOT = 'root:x:0:0:root:/root:/bin/bash'
const NOBODY = 'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin'
const POSTGRES = 'postgres:x:101:104::/var/lib/postgresql:/bin/bash'

describe('the account that root runs the server as', () => {
  test('is postgres, else nobody', () => {
    expect(pickAccount([ROOT, NOBODY, POSTGRES, ''].join('\n'))).toEqual({ uid: 101, gid: 104 })
    expect(pickAccount([ROOT, NOBODY].join('\n'))).toEqual({ uid: 65_534, gid: 65_534 })
  })

  test('is never root under another name', () => {
    expect(pickAccount(['postgres:x:0:0::/root:/bin/sh', NOBODY].join('\n'))).toEqual({ uid: 65_534, gid: 65_534 })
  })

  test('is missed with advice', () => {
    expect(() => pickAccount(ROOT)).toThrow(
      expect.objectContaining({ code: 'NO_ACCOUNT', message: expect.stringContaining('useradd') }),
    )
  })
})
