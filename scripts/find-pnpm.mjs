import { spawnSync } from 'node:child_process'
import { delimiter, join } from 'node:path'

/**
 * The PATH on which `pnpm` is of the major version that the workspace pins, with the workspace's own tools in front.
 * A machine without that pnpm gets it through npx, which keeps it in npm's cache; it is on PATH because turbo looks for it there.
 *
 * @returns the PATH, or undefined when there is neither a pnpm nor a way to fetch one.
 */
export function pathWithPnpm(root, pin, env) {
  const base = hasPnpm(root, pin, env) ? env.PATH : pathFromNpx(root, pin, env)
  return base && [join(root, 'node_modules', '.bin'), base].join(delimiter)
}

function hasPnpm(root, pin, env) {
  const { status, stdout } = spawnSync('pnpm', ['--version'], { cwd: root, env, encoding: 'utf8' })
  return status === 0 && stdout.trim().split('.')[0] === pin.split('.')[0]
}

/** npx puts the fetched package's folder in front of PATH for the command that it runs; that command prints it. */
function pathFromNpx(root, pin, env) {
  const args = ['--yes', `--package=pnpm@${pin}`, '--', 'node', '--print', 'process.env.PATH']
  const { status, stdout } = spawnSync('npx', args, {
    cwd: root,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return status === 0 ? stdout.trim().split('\n').at(-1) : undefined
}
