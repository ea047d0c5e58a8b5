// Running other programs.
import { spawn } from 'node:child_process';
import { basename } from 'node:path';

/** A program that could not be started, or that failed. `output` is what it printed. */
export class CommandError extends Error {
  constructor(message, { output = '', missing = false } = {}) {
    super(message);
    this.name = 'CommandError';
    this.output = output;
    this.missing = missing;
  }
}

/**
 * Runs a program and gathers what it prints; shows nothing.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, allowFailure?: boolean }} [options]
 * @returns {Promise<{ code: number, stdout: string, stderr: string }>}
 */
export function run(command, args, { cwd, env, allowFailure = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks = { stdout: [], stderr: [] };
    for (const stream of ['stdout', 'stderr']) child[stream].on('data', (chunk) => chunks[stream].push(chunk));
    child.on('error', (error) => {
      reject(new CommandError(`${command}: ${error.message}`, { missing: error.code === 'ENOENT' }));
    });
    child.on('close', (status, signal) => {
      const stdout = Buffer.concat(chunks.stdout).toString();
      const stderr = Buffer.concat(chunks.stderr).toString();
      const code = status ?? 1;
      if (code === 0 || allowFailure) resolve({ code, stdout, stderr });
      else {
        const how = signal ? `was ended by ${signal}` : `failed with exit code ${code}`;
        const name = [command, ...args.slice(0, 1)].map((word) => basename(word)).join(' ');
        reject(new CommandError(`${name} ${how}`, { output: stdout + stderr }));
      }
    });
  });
}

/**
 * Runs a program in the foreground, with this one's terminal; Ctrl-C reaches it directly.
 * @returns {Promise<number>} its exit code; 128 + the signal's number stands for a death by signal, as in a shell
 */
export function runInForeground(command, args, { cwd, env } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: 'inherit' });
    // A terminal's interrupt reaches the child too, which decides what it means; this process stays to report the end.
    const wait = () => {};
    const pass = () => child.kill('SIGTERM');
    process.on('SIGINT', wait);
    process.on('SIGTERM', pass);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      process.off('SIGINT', wait);
      process.off('SIGTERM', pass);
      resolve(code ?? (signal === 'SIGINT' ? 130 : 143));
    });
  });
}

/**
 * Runs a program, shows what it prints as it comes, and gathers its standard output.
 * @returns {Promise<{ code: number, stdout: string }>}
 */
export function runAndShow(command, args, { cwd, env } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] });
    const chunks = [];
    child.stdout.on('data', (chunk) => {
      chunks.push(chunk);
      process.stdout.write(chunk);
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, stdout: Buffer.concat(chunks).toString() }));
  });
}
