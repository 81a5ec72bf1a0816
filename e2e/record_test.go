package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// record is what was observed in one configuration, scrubbed of everything that varies. It is kept beside the
// configuration as NAME.json.
type record struct {
	Editor    string          `json:"editor"`
	Consumers map[string]seen `json:"consumers"` // by goready's ids
	// Settings says for each folder ("" is none in particular) what the scopes hold and what is in effect, for the
	// settings that some scope holds.
	Settings []folderSettings `json:"settings,omitempty"`
}

// seen is the environment of one consumer.
type seen struct {
	Env map[string]string `json:"env"` // the compared variables that are set, and PATH
	// Go is what a go command in this environment answers, for the compared variables that are Go's.
	Go     map[string]string `json:"go"`
	Others string            `json:"others"` // names of all other variables
}

type folderSettings struct {
	Folder string                    `json:"folder"`
	Values map[string]map[string]any `json:"values"`
}

// value returns what the consumer really sees for the variable: a go command's answer for Go's own variables, the
// environment's otherwise.
func (s *seen) value(name string) string {
	if v, ok := s.Go[name]; ok {
		return v
	}
	return s.Env[name]
}

// goDefault stands in records for what Go answers when nothing is set: $GOROOT/go.env is not the same everywhere.
const goDefault = "<default>"

func recordFile(name string) string { return filepath.Join("testdata", name+".json") }

func readRecord(t *testing.T, name string) *record {
	t.Helper()
	data, err := os.ReadFile(recordFile(name))
	if err != nil {
		t.Fatal(err)
	}
	r := new(record)
	if err := json.Unmarshal(data, r); err != nil {
		t.Fatalf("%s: %v", recordFile(name), err)
	}
	return r
}
