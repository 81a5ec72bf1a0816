package team

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const schemaFile = "../../docs/schema/goready.v1.json"

// accepted are files that both must accept.
var accepted = []string{
	"", full, "go = \"1.27rc1\"\n", "[env.user]\n[tools]\n[ca]\n[vscode]\n[doctor]\n", "[[doctor.known]]\nid = \"fs.network\"\n",
	"[doctor]\nknown = []\nskip = []\n", "doctor.fail-on = \"never\"\n", "[vscode.settings.a]\nb = [1, 2.5, true, {c = \"\"}]\n",
	"[vscode]\nsettings.\"[go]\".\"editor.tabSize\" = 8\n",
}

// TestSchema: the published schema and Decode accept and refuse the same files.
func TestSchema(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schema, err := compiler.Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	valid := func(file string) bool {
		var value map[string]any
		if err := toml.Unmarshal([]byte(file), &value); err != nil {
			return false // no TOML at all
		}
		data, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		instance, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(instance) == nil
	}
	for _, file := range accepted {
		if _, err := Decode("goready.toml", []byte(file), ids); err != nil || !valid(file) {
			t.Errorf("Decode: %v; schema: %v\n%s", err, valid(file), file)
		}
	}
	for _, tt := range refused {
		if tt.name != "large" && tt.name != "deep" && valid(tt.file) {
			t.Errorf("%s: the schema accepts it", tt.name)
		}
	}
	for _, tt := range refusedIDs {
		if !valid(tt.file) && tt.name != "category_for_id" {
			t.Errorf("%s: the schema refuses it", tt.name)
		}
	}
}

// TestShape: the schema, the shape and the struct have the same keys, and the schema the same patterns.
func TestShape(t *testing.T) {
	data, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	compareKeys(t, "", schema, document(), reflect.TypeFor[File]())
	for _, pattern := range []string{goPattern, envPattern, toolPattern, idPattern, skipPattern} {
		quoted, err := json.Marshal(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(data), string(quoted)) {
			t.Errorf("the schema lacks the pattern %s", quoted)
		}
	}
}

func compareKeys(t *testing.T, where string, schema map[string]any, s *shape, typ reflect.Type) {
	t.Helper()
	if items, ok := schema["items"].(map[string]any); ok && typ.Kind() == reflect.Slice {
		schema, s, typ = items, s.item, typ.Elem()
	}
	properties, _ := schema["properties"].(map[string]any)
	if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[toml.LocalDate]() {
		return
	}
	var names []string
	for i := range typ.NumField() {
		name := typ.Field(i).Tag.Get("toml")
		if name == "-" {
			continue
		}
		names = append(names, name)
		at := slices.IndexFunc(s.keys, func(m member) bool { return m.name == name })
		property, ok := properties[name].(map[string]any)
		if at < 0 || !ok {
			t.Errorf("%s.%s is missing in the shape or in the schema", where, name)
			continue
		}
		compareKeys(t, where+"."+name, property, s.keys[at].shape, typ.Field(i).Type)
	}
	if len(names) != len(properties) || len(names) != len(s.keys) {
		t.Errorf("%s: %d fields, %d properties, %d keys", where, len(names), len(properties), len(s.keys))
	}
}
