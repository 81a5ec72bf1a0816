package main

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/goready/goready/internal/cli"
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/snapshot"
)

// TestSnapshotSchema validates real snapshots against the published schema, and that the schema has every field.
func TestSnapshotSchema(t *testing.T) {
	const name = "../../docs/schema/snapshot.v1.json"
	schema, err := jsonschema.NewCompiler().Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	status := cli.Main(t.Context(), cli.Program{Args: []string{"snapshot", "--consumer", "current,vscode-gopls", "--names", "-C", t.TempDir()},
		Dir: os.Getwd, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr})
	if status != 0 {
		t.Fatalf("status %d, %s", status, stderr.String())
	}
	full, err := (&snapshot.Snapshot{Schema: snapshot.Schema, Version: "v1", Taken: time.Now(), Workspace: "/w", Cut: []string{"", "/x"},
		Options: snapshot.Options{Consumers: []string{"cron"}, Skip: []string{"shell"}}, Host: allAnswers()}).Encode(false)
	if err != nil {
		t.Fatal(err)
	}
	for what, data := range map[string][]byte{"real": stdout.Bytes(), "full": full} {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if broken, err := jsonschema.UnmarshalJSON(bytes.NewReader(bytes.Replace(full, []byte(`"exitCode"`), []byte(`"exit"`), 1))); err != nil || schema.Validate(broken) == nil {
		t.Errorf("the schema accepts a run without its exit code: %v", err)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range fields(reflect.TypeFor[snapshot.Snapshot](), map[reflect.Type]bool{}) {
		if !bytes.Contains(text, []byte(`"`+field+`":`)) {
			t.Errorf("the schema has no %q", field)
		}
	}
}

// allAnswers is a recording with every kind of answer.
func allAnswers() *host.Fixture {
	f := host.FromFiles(host.Platform{OS: "linux", Arch: "amd64"}, []string{"A=\xff"}, map[string]string{"/bin": "\xff", "/text": "x"})
	fail := &host.Failure{Kind: host.Other, Text: "x"}
	f.Files["/all"] = &host.File{Info: &host.Info{}, Head: new(host.Content("\x7fELF\xff")), Link: new("y"), Entries: []host.Entry{{Name: "\xff"}}}
	f.Files["/none"] = &host.File{InfoErr: fail, ContentErr: fail, LinkErr: fail, EntriesErr: fail, HeadErr: fail}
	f.Runs = []host.Run{{Command: host.Command{Path: "/x"}, Result: &host.RunResult{Stdout: host.Content("\xff"), TimedOut: true}}, {Err: fail}}
	f.Procs = &host.ProcessTable{List: []host.RecordedProcess{{Env: []string{"A=b"}}, {EnvErr: fail}}, Err: fail}
	return f
}

// fields returns the names that a type has in JSON.
func fields(typ reflect.Type, seen map[reflect.Type]bool) (names []string) {
	switch typ.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return fields(typ.Elem(), seen)
	case reflect.Struct:
	default:
		return nil
	}
	if seen[typ] || typ == reflect.TypeFor[time.Time]() {
		return nil
	}
	seen[typ] = true
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || !f.IsExported() {
			continue
		}
		if name != "" {
			names = append(names, name)
		}
		names = append(names, fields(f.Type, seen)...)
	}
	return names
}

// TestSnapshotIsSmall: a snapshot of this machine is well below the limits of the file.
func TestSnapshotIsSmall(t *testing.T) {
	var stdout, stderr bytes.Buffer
	status := cli.Main(t.Context(), cli.Program{Args: []string{"snapshot"}, Dir: os.Getwd, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr})
	if status != 0 || stdout.Len() > snapshot.MaxFile/4 {
		t.Errorf("status %d, %d bytes, %s", status, stdout.Len(), stderr.String())
	}
	if _, err := snapshot.Decode(stdout.Bytes()); err != nil || !json.Valid(stdout.Bytes()) {
		t.Error(err)
	}
}
