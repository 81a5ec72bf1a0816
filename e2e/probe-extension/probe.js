// The probe reports what an extension in this place sees. It reads order.json beside this file, which the test wrote:
//
//   {"out": folder for the results, "keys": settings to inspect, "limit": milliseconds to wait for a terminal}
//
// and leaves OUT/report.json, renamed into place when it is complete. The terminal and the tasks leave OUT/NAME.environ.
// It then behaves as the Go extension is documented to at its activation, so that what follows (substitution in tasks
// and launch configurations) happens in the process environment that extension leaves behind. It has no dependencies.
'use strict';
const { execFileSync } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const vscode = require('vscode');

const order = JSON.parse(fs.readFileSync(path.join(__dirname, 'order.json'), 'utf8'));
const out = name => path.join(order.out, name);

// A file exists only when it is complete: the test and the probe both wait for names.
function write(name, data) {
  fs.writeFileSync(out(name + '.tmp'), data);
  fs.renameSync(out(name + '.tmp'), out(name));
}

// until polls for a condition that only another process can make true.
async function until(what, limit, condition) {
  for (const end = Date.now() + limit; Date.now() < end;) {
    if (condition()) return;
    await new Promise(next => setTimeout(next, 20));
  }
  throw new Error(`${what}: nothing within ${limit} ms`);
}

// settings says for every key what each scope holds and which value is in effect: without a folder, and in each folder.
function settings() {
  const scopes = [['', undefined], ...(vscode.workspace.workspaceFolders || []).map(f => [f.name, f.uri])];
  return scopes.map(([folder, uri]) => ({
    folder,
    values: Object.fromEntries(order.keys.map(key => {
      const config = vscode.workspace.getConfiguration(undefined, uri);
      return [key, { effective: config.get(key), ...config.inspect(key) }];
    })),
  }));
}

// get reads a setting the way the Go extension does, for the first folder.
function get(key) {
  const first = (vscode.workspace.workspaceFolders || [])[0];
  return vscode.workspace.getConfiguration(undefined, first && first.uri).get(key);
}

// toolEnv is what the Go extension gives the tools it starts: its own environment, go.toolsEnvVars with variables and
// ~ replaced, http.proxy, and GOPATH.
function toolEnv() {
  const env = { ...process.env };
  const first = (vscode.workspace.workspaceFolders || [])[0];
  for (const [name, value] of Object.entries(get('go.toolsEnvVars') || {})) {
    if (typeof value !== 'string') { env[name] = value; continue; }
    env[name] = value
      .replace(/\$\{env:([^}]*)\}/g, (_, key) => process.env[key] || '')
      .replace(/^~/, os.homedir())
      .replace(/\$\{workspaceFolder\}|\$\{workspaceRoot\}/g, first ? first.uri.fsPath : '');
  }
  const proxy = get('http.proxy');
  if (proxy) for (const name of ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY']) env[name] = proxy;
  const gopath = get('go.gopath') || process.env.GOPATH;
  if (gopath) env.GOPATH = gopath;
  return env;
}

// snapshot does to this process what the Go extension does when it is activated: it asks go env and copies the answers
// into variables that are not set.
function snapshot() {
  const onPath = (process.env.PATH || '').split(':').map(dir => path.join(dir, 'go')).find(fs.existsSync);
  const go = onPath || ['/usr/local/go/bin/go', '/usr/local/bin/go'].find(fs.existsSync);
  const answers = JSON.parse(execFileSync(go, ['env', '-json', 'GOPATH', 'GOROOT', 'GOPROXY', 'GOBIN', 'GOMODCACHE'],
    { env: toolEnv(), cwd: vscode.workspace.workspaceFolders[0].uri.fsPath }));
  for (const name of ['GOPATH', 'GOPROXY', 'GOBIN', 'GOMODCACHE']) {
    if (!process.env[name] && answers[name].trim()) process.env[name] = answers[name].trim();
  }
  if (!onPath) process.env.PATH = path.join(answers.GOROOT, 'bin') + ':' + process.env.PATH;
  return { ...process.env };
}

// goplsEnv is the environment gopls gives the go commands it runs.
function goplsEnv() {
  const gopls = get('gopls') || {};
  return { ...toolEnv(), ...gopls.env, ...gopls['build.env'] };
}

// terminal opens the default terminal, as a user would, and lets its shell print the environment a command gets there.
async function terminal() {
  const file = out('terminal.environ');
  const term = vscode.window.createTerminal();
  term.sendText(`cp /proc/self/environ '${file}.tmp' && mv '${file}.tmp' '${file}'`);
  await until('terminal', order.limit, () => fs.existsSync(file));
  term.dispose();
}

// tasks runs every task of tasks.json, one after the other; each one writes its own OUT/LABEL.environ.
async function tasks() {
  const done = {};
  for (const task of (await vscode.tasks.fetchTasks()).filter(t => t.source === 'Workspace')) {
    const ended = new Promise(resolve => {
      const listener = vscode.tasks.onDidEndTaskProcess(e => {
        if (e.execution.task.name === task.name) { listener.dispose(); resolve(e.exitCode); }
      });
    });
    await vscode.tasks.executeTask(task);
    done[task.name] = await ended;
  }
  return done;
}

// launches records what every configuration of launch.json looks like after VS Code substituted its variables.
async function launches() {
  const seen = {};
  const registration = vscode.debug.registerDebugConfigurationProvider('go', {
    resolveDebugConfigurationWithSubstitutedVariables(folder, config) {
      seen[config.name] = { env: config.env, envFile: config.envFile };
      return undefined; // nothing is started
    },
  });
  for (const folder of vscode.workspace.workspaceFolders || []) {
    for (const config of vscode.workspace.getConfiguration('launch', folder.uri).get('configurations') || []) {
      await vscode.debug.startDebugging(folder, config.name);
    }
  }
  registration.dispose();
  return seen;
}

async function attempt(report, name, step) {
  try {
    report[name] = await step();
    report.milliseconds[name] = Math.round(performance.now());
  } catch (err) {
    report.errors[name] = String(err && err.stack || err);
  }
}

exports.activate = async function () {
  const report = {
    vscode: vscode.version,
    pid: process.pid,
    env: { ...process.env },
    trusted: vscode.workspace.isTrusted,
    workspaceFile: vscode.workspace.workspaceFile && vscode.workspace.workspaceFile.fsPath,
    folders: (vscode.workspace.workspaceFolders || []).map(f => f.uri.fsPath),
    errors: {},
    milliseconds: { activated: Math.round(performance.now()) }, // since the extension host started
  };
  await attempt(report, 'settings', settings);
  await attempt(report, 'exthost', snapshot);
  await attempt(report, 'tools', toolEnv);
  await attempt(report, 'gopls', goplsEnv);
  await attempt(report, 'launches', launches);
  await attempt(report, 'terminal', terminal);
  await attempt(report, 'tasks', tasks);
  write('report.json', JSON.stringify(report, null, '\t'));
};
