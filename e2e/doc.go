// Package e2e compares what goready says about the processes of an editor with what a real editor gives them.
//
// The editor is code-server, run with a private HOME, and a small extension of our own (probe-extension) reports what an
// extension sees there: the environments of its host, of the integrated terminal and of tasks, and the settings. The
// package holds tests only. Those that run the editor have the build tag e2e; without it the predictions are compared
// with what was recorded when the editor last ran. README.md says how to run and to record.
package e2e
