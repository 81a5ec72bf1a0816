package goenv

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// envView is what one go command sees of its environment and files. It begins as the go command that was started; the
// first question that depends on which toolchain runs makes it the selected one ([envView.settle]).
type envView struct {
	q      *Query
	getenv func(string) string
	sdk    SDK
	// root is the GOROOT that a toolchain switch puts into the environment ("" removes it), if rootSet.
	root    string
	rootSet bool
	settled bool

	goEnv       *File // of the GOROOT that counts, once goEnvLoaded
	goEnvLoaded bool

	unknown msg.Text // the first thing that the answer depends on and that is not known
	notes   []msg.Text
}

func newEnvView(q *Query) *envView {
	v := &envView{q: q, getenv: q.Getenv, sdk: q.SDK}
	if q.SDK.Pinned {
		v.root, v.rootSet = q.SDK.Root, true
	}
	return v
}

// local makes v stay with the go command that was started.
func (v *envView) local() *envView {
	v.settled = true
	return v
}

// decided makes v ask quietly from now on: see [Query.Peek].
func (v *envView) decided() { v.getenv = v.q.peek() }

// settle makes v see what the selected toolchain sees.
func (v *envView) settle() {
	if v.settled {
		return
	}
	v.settled = true
	s := selectToolchain(v.q, v.getenv)
	switch {
	case s.Toolchain == "local" || !s.Err.IsZero():
	case s.SDK != nil:
		v.sdk = *s.SDK
		v.rootSet, v.root = true, ""
		if s.Program == "" || s.SDK.Pinned {
			v.root = s.SDK.Root
		}
	case !s.Unknown.IsZero():
		v.notes = append(v.notes, s.Unknown)
	default:
		v.notes = append(v.notes, msg.New("the toolchain %s is downloaded first; its own go.env and defaults then count, not those of %s",
			s.Toolchain, v.sdk.Root))
	}
}

// os returns a variable of the process environment.
func (v *envView) os(key string) string {
	if key == "GOROOT" {
		v.settle()
		if v.rootSet {
			return v.root
		}
	}
	return v.getenv(key)
}

// get is cmd/go/internal/cfg.Getenv.
func (v *envView) get(key string) string {
	if s := v.os(key); s != "" {
		return s
	}
	if key == "GOROOT" {
		return v.findRoot()
	}
	if s, _, ok := v.q.User.Lookup(key); ok {
		return s
	}
	s, _, _ := v.goEnvFile().Lookup(key)
	return s
}

// findRoot is cmd/go/internal/cfg.findGOROOT as initEnvCache calls it: the user's file comes before the environment,
// which is how the go.env of one GOROOT can be read while another one is used.
func (v *envView) findRoot() string {
	if root, _, _ := v.q.User.Lookup("GOROOT"); root != "" {
		return v.q.Platform.Clean(root)
	}
	if root := v.os("GOROOT"); root != "" {
		return v.q.Platform.Clean(root)
	}
	v.settle()
	return v.sdk.Root
}

// abs returns a name that may be relative to the working directory as an absolute one, not cleaned.
func (v *envView) abs(name string) string {
	p := v.q.Platform
	if p.IsAbs(name) {
		return name
	}
	return strings.TrimSuffix(v.q.Dir, p.Separator()) + p.Separator() + name
}

// goEnvFile returns the $GOROOT/go.env that counts; nil if there is none. Before Go 1.21 it was not read.
func (v *envView) goEnvFile() *File {
	if v.goEnvLoaded {
		return v.goEnv
	}
	v.settle()
	v.goEnvLoaded = true
	if v.olderThan("1.21") {
		return nil
	}
	root := v.findRoot()
	if root == v.sdk.Root {
		v.goEnv = v.sdk.GoEnv
		return v.goEnv
	}
	if v.q.Root == nil {
		v.isUnknown(msg.New("what %s says is not known", v.q.Platform.Join(root, "go.env")))
		return nil
	}
	sdk, err := v.q.Root(v.abs(root))
	if err == nil {
		v.goEnv = sdk.GoEnv
	} else if !errors.Is(err, fs.ErrNotExist) {
		v.isUnknown(msg.New("what %s says is not known", v.q.Platform.Join(root, "go.env")))
	}
	return v.goEnv
}

func (v *envView) isUnknown(why msg.Text) {
	if v.unknown.IsZero() {
		v.unknown = why
	}
}

// envHits is what the layers say about a variable, weakest first.
type envHits struct {
	reasons []layer.Reason
	won     int // index of the reason that decides; -1 if there is none
}

func (h *envHits) value() string {
	if h.won < 0 {
		return ""
	}
	return h.reasons[h.won].Value
}

// hits asks all layers about key. From the layer that decides on, v asks quietly.
func (v *envView) hits(key string) envHits {
	os := v.os(key)
	user, _, inUser := v.q.User.Lookup(key)
	if os != "" || user != "" {
		v.decided()
	}
	unknown := v.unknown
	var h envHits
	h.addFile(layer.SDKGoEnv, v.goEnvFile(), key)
	h.addUser(v.q, key)
	if os != "" {
		h.reasons = append(h.reasons, layer.Reason{Layer: layer.OSEnv, Value: os})
	}
	if os != "" || inUser {
		v.unknown = unknown // $GOROOT/go.env does not matter
	}
	h.won = len(h.reasons) - 1
	for h.won >= 0 && !h.says(h.won) {
		h.won--
	}
	h.explain()
	return h
}

func (h *envHits) addFile(id layer.ID, f *File, key string) {
	if f == nil {
		return
	}
	for _, e := range f.Entries {
		if e.Key == key {
			h.reasons = append(h.reasons, layer.Reason{Layer: id, From: layer.Place(f.Name, e.Line), Value: e.Value})
		}
	}
}

func (h *envHits) addUser(q *Query, key string) {
	switch {
	case q.UserOff:
		h.reasons = append(h.reasons, layer.Reason{Layer: layer.GoEnvFile, Why: msg.New("GOENV=off: the go env file is not read")})
	case !q.UserErr.IsZero():
		h.reasons = append(h.reasons, layer.Reason{Layer: layer.GoEnvFile, Why: msg.New("the go env file is not read: %s", q.UserErr)})
	default:
		h.addFile(layer.GoEnvFile, q.User, key)
	}
}

// explain gives every reason its Why.
func (h *envHits) explain() {
	for i := range h.reasons {
		r := &h.reasons[i]
		switch {
		case !r.Why.IsZero():
		case i == h.won:
			r.Won = true
			r.Why = envWhyWon(*r)
		case h.reasons[h.next(i)].Layer == r.Layer:
			r.Why = msg.New("a later line of the same file sets it again")
		default:
			r.Why = h.whyLost(h.next(i))
		}
	}
}

// next returns the index of the next stronger layer that says something after i, which must not be the strongest.
func (h *envHits) next(i int) int {
	for i++; i < h.won && !h.says(i); i++ {
	}
	return i
}

// whyLost returns why a layer loses to the reason by.
func (h *envHits) whyLost(by int) msg.Text {
	switch r := h.reasons[by]; r.Layer {
	case layer.OSEnv:
		return msg.New("the process environment comes first")
	case layer.GoEnvFile:
		if r.Value == "" {
			return msg.New("an empty line in the go env file hides it")
		}
		return msg.New("the go env file comes first")
	default:
		return msg.New("$GOROOT/go.env comes first")
	}
}

func envWhyWon(r layer.Reason) msg.Text {
	switch {
	case r.Layer == layer.OSEnv:
		return msg.New("the process environment comes first")
	case r.Layer == layer.GoEnvFile && r.Value == "":
		return msg.New("an empty value in the go env file counts, unlike an empty variable in the process environment")
	case r.Layer == layer.GoEnvFile:
		return msg.New("the process environment does not set it")
	}
	return msg.New("neither the process environment nor the go env file sets it")
}

// withDefault returns the result for a variable that has a default, which also counts if a layer sets it to nothing.
// The default has an empty Layer if there is none.
func (h *envHits) withDefault(def layer.Reason) Result {
	r := Result{Value: h.value(), Set: h.won >= 0, Trail: h.reasons}
	if h.won >= 0 && r.Value == "" && def.Layer != "" {
		h.reasons[h.won].Won = false
		h.reasons[h.won].Why = msg.New("empty, which counts as unset")
		h.won = -1
	}
	if def.Layer == "" {
		return r
	}
	if h.won < 0 {
		r.Value, r.Set, def.Won = def.Value, true, true
	} else {
		def.Why = h.whyLost(h.firstReal())
	}
	r.Trail = append([]layer.Reason{def}, h.reasons...)
	return r
}

// firstReal returns the index of the weakest layer that gives a value.
func (h *envHits) firstReal() int {
	i := 0
	for i < h.won && !h.says(i) {
		i++
	}
	return i
}

// says reports whether reason i gives a value; a go env file without a name only says why it is not read.
func (h *envHits) says(i int) bool {
	return h.reasons[i].Layer != layer.GoEnvFile || h.reasons[i].From != ""
}
