package editor

import (
	"errors"
	"io/fs"
	"net/url"
	"strings"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// LoadInput says which settings to read.
type LoadInput struct {
	Variant Variant
	Home    string
	// Folders are the workspace folders; with a WorkspaceFile they are taken from it and Folders is ignored.
	Folders       []string
	WorkspaceFile string // a .code-workspace file, or ""
	// Profile is the id of a settings profile. "" is the profile that the editor remembers for the workspace, else
	// the default profile.
	Profile string
	// Remote: the window is a remote window although Variant is a desktop editor (the user settings are this
	// machine's, the extension host runs elsewhere). Always true if Variant.Remote.
	Remote bool
	// Untrusted: the workspace is in Restricted Mode. The Go extension does not run there.
	Untrusted bool
}

// Settings are the settings of one window, from all scopes. They do not change after Load.
type Settings struct {
	Problems []Problem // what could not be read or parsed, and what to know about where settings come from
	Profile  string    // the settings profile in use, "" for the default one

	h       host.Host
	in      LoadInput
	folders []Folder
	// application is the default profile's settings.json where another profile is in use; else nil.
	application, user, remote, workspace *source
	folder                               []*source // by index of folders; nil entries have no file of their own
	workspaceRoot                        *Node     // the whole .code-workspace file
}

// Folder is a workspace folder of a window.
type Folder struct{ Name, Path string }

// source is one settings file, or the part of one that holds settings.
type source struct {
	layer  layer.ID
	scopes scopeSet
	file   string
	root   *Node // an object, or nil
}

// Load reads the settings of a window. It never fails: what cannot be read is in Problems.
func Load(h host.Host, in LoadInput) *Settings {
	s := &Settings{h: h, in: in}
	s.in.Remote = in.Remote || in.Variant.Remote
	s.loadWorkspace()
	s.loadUser()
	if f := in.Variant.MachineSettings; f != "" && s.in.Remote {
		s.remote = s.read(f, layer.SettingsRemote, remoteScopes)
	}
	return s
}

// Folders returns the workspace folders of the window.
func (s *Settings) Folders() []Folder { return s.folders }

// Host returns the machine that the settings were read on.
func (s *Settings) Host() host.Host { return s.h }

// WorkspaceFile returns the .code-workspace file of the window, or "".
func (s *Settings) WorkspaceFile() string { return s.in.WorkspaceFile }

// folderPath returns the path of a folder, "" if there is none with that index. -1 is the first one, which is what
// the Go extension takes when no file is open.
func (s *Settings) folderPath(folder int) string {
	if folder < 0 {
		folder = 0
	}
	if folder < len(s.folders) {
		return s.folders[folder].Path
	}
	return ""
}

func (s *Settings) platform() host.Platform { return s.h.Platform() }

func (s *Settings) loadUser() {
	dir := s.in.Variant.UserDir
	if dir == "" {
		if s.in.Variant.ID != "" {
			s.Problems = append(s.Problems, Problem{Severity: Advice, Text: msg.New("the user settings of this window are on the machine where the editor runs; they are not considered")})
		}
		return
	}
	p := s.platform()
	// A server that keeps the user's settings itself, code-server, applies all of them, also those that belong to the
	// machine (seen in code-server 4.139.1); a desktop editor keeps the latter to itself.
	file, scopes := p.Join(dir, "settings.json"), scopeSet(allScopes)
	if s.in.Remote && !s.in.Variant.Remote {
		scopes = localScopes
	}
	s.Profile = s.profile(dir)
	if s.Profile != "" {
		s.application = s.read(file, layer.SettingsUser, scopes&applicationScopes)
		scopes &= profileScopes
		file = p.Join(dir, "profiles", s.Profile, "settings.json")
	}
	s.user = s.read(file, layer.SettingsUser, scopes)
}

// profile returns the id of the settings profile of the window.
func (s *Settings) profile(userDir string) string {
	if s.in.Profile != "" {
		return s.in.Profile
	}
	p := s.platform()
	dir := p.Join(userDir, "profiles")
	entries, err := s.h.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		return ""
	}
	id := s.associatedProfile(p.Join(userDir, "globalStorage", "storage.json"))
	if id == "" {
		s.Problems = append(s.Problems, Problem{Pos: Position{File: dir}, Severity: Advice,
			Text: msg.New("this editor has settings profiles; the default profile is assumed for this workspace")})
		return ""
	}
	s.Problems = append(s.Problems, Problem{Pos: Position{File: dir}, Severity: Advice,
		Text: msg.New("the editor uses the settings profile %s for this workspace", id)})
	return id
}

// associatedProfile looks up the workspace in the editor's own memory of profiles, profileAssociations in
// storage.json. The default profile, and everything unclear, is "".
func (s *Settings) associatedProfile(storage string) string {
	data, err := s.readLimited(storage)
	if err != nil {
		return ""
	}
	root, _ := Parse(storage, data)
	want := s.in.WorkspaceFile
	if want == "" && len(s.folders) == 1 {
		want = s.folders[0].Path
	}
	spaces := root.Get("profileAssociations").Get("workspaces")
	if spaces == nil || want == "" {
		return ""
	}
	for _, f := range spaces.Fields {
		id, _ := f.Value.Str()
		if id != "" && id != "__default__profile__" && s.uriPath(f.Key) == want && s.ownSettings(root, id) {
			return id
		}
	}
	return ""
}

// ownSettings reports whether a profile has settings of its own rather than those of the default profile.
func (s *Settings) ownSettings(storage *Node, id string) bool {
	profiles := storage.Get("userDataProfiles")
	if profiles == nil {
		return false
	}
	for _, e := range profiles.Elems {
		if loc, _ := e.Get("location").Str(); loc == id {
			return !e.Get("useDefaultFlags").Get("settings").True()
		}
	}
	return false
}

// uriPath returns the path of a file URI as VS Code writes it, or "".
func (s *Settings) uriPath(uri string) string {
	path, ok := strings.CutPrefix(uri, "file://")
	if !ok {
		return ""
	}
	path, err := url.PathUnescape(path)
	if err != nil {
		return ""
	}
	if s.platform().Windows() {
		path = strings.TrimPrefix(path, "/")
	}
	return s.platform().Clean(path)
}

func (s *Settings) loadWorkspace() {
	p := s.platform()
	if f := s.in.WorkspaceFile; f != "" {
		src := s.read(f, layer.SettingsWorkspace, workspaceScopes)
		if src != nil {
			s.workspaceRoot = src.root
			s.workspaceFolders(p.Dir(f))
			src.root = objectOrNil(src.root.Get("settings"))
			s.workspace = src
		}
	} else {
		for _, dir := range s.in.Folders {
			s.folders = append(s.folders, Folder{p.Base(dir), dir})
		}
	}
	for _, f := range s.folders {
		file := p.Join(f.Path, ".vscode", "settings.json")
		if s.single() {
			s.workspace = s.read(file, layer.SettingsWorkspace, workspaceScopes)
			return
		}
		s.folder = append(s.folder, s.read(file, layer.SettingsFolder, folderScopes))
	}
}

// single reports whether the window shows one folder, not a workspace: then .vscode/settings.json is the workspace's
// settings and may hold window settings, too.
func (s *Settings) single() bool { return s.in.WorkspaceFile == "" && len(s.folders) == 1 }

func (s *Settings) workspaceFolders(base string) {
	list := s.workspaceRoot.Get("folders")
	if list == nil {
		return
	}
	p := s.platform()
	for _, e := range list.Elems {
		path, _ := e.Get("path").Str()
		if uri, ok := e.Get("uri").Str(); ok {
			path = s.uriPath(uri)
		}
		if path == "" {
			continue
		}
		if !p.IsAbs(path) {
			path = p.Join(base, path)
		}
		name, _ := e.Get("name").Str()
		if name == "" {
			name = p.Base(path)
		}
		s.folders = append(s.folders, Folder{name, p.Clean(path)})
	}
}

// read reads a settings file. It returns nil if there is none.
func (s *Settings) read(file string, id layer.ID, scopes scopeSet) *source {
	root, problems, err := s.parse(file)
	s.Problems = append(s.Problems, problems...)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return &source{layer: id, scopes: scopes, file: file, root: objectOrNil(root)}
}

// parse reads and parses a file. The error is also among the problems, unless the file does not exist.
func (s *Settings) parse(file string) (*Node, []Problem, error) {
	data, err := s.readLimited(file)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil, err
		}
		return nil, []Problem{{Pos: Position{File: file}, Severity: Broken, Text: readProblem(err)}}, err
	}
	if len(data) == 0 {
		return nil, nil, nil // VS Code takes an empty file for {}
	}
	root, problems := Parse(file, data)
	return root, problems, nil
}

// errTooBig means that a file has more than MaxJSON bytes.
var errTooBig = errors.New("file is too big")

// readLimited reads a file unless it is bigger than what Parse takes.
func (s *Settings) readLimited(file string) ([]byte, error) {
	info, err := host.Stat(s.h, file)
	if err != nil {
		return nil, err
	}
	if info.Size > MaxJSON {
		return nil, errTooBig
	}
	return s.h.ReadFile(file)
}

func readProblem(err error) msg.Text {
	switch {
	case errors.Is(err, errTooBig), errors.Is(err, host.ErrTooLarge):
		return msg.New("the file is too big; goready reads settings of at most %d bytes", MaxJSON)
	case isAbsent(err):
		return msg.New("the file does not exist")
	case errors.Is(err, fs.ErrPermission):
		return msg.New("no permission to read the file")
	case errors.Is(err, host.ErrUnknown):
		return msg.New("not recorded on this host")
	}
	return msg.New("the file cannot be read: %s", err.Error())
}

func objectOrNil(n *Node) *Node {
	if n == nil || n.Kind != Object {
		return nil
	}
	return n
}

// sources returns the settings files that matter to a folder, weakest first.
func (s *Settings) sources(folder int) []*source {
	list := []*source{s.user, s.application, s.remote, s.workspace}
	if folder >= 0 && folder < len(s.folder) {
		list = append(list, s.folder[folder])
	}
	return list
}

// at returns what the file says about a setting. Keys with dots and nested objects are the same thing to VS Code
// (configuration.ts addToValueTree): "a.b": 1 and "a": {"b": 1} at the top of the file both set a.b, in the order in
// which they are written. pos is where the key is written.
func (src *source) at(key string) (value *Node, pos Position) {
	if src == nil || src.root == nil {
		return nil, Position{}
	}
	tree := &Node{Kind: Object}
	for _, f := range src.root.Fields {
		switch {
		case f.Key == key, strings.HasPrefix(f.Key, key) && f.Key[len(key)] == '.', strings.HasPrefix(key, f.Key) && key[len(f.Key)] == '.':
			addToTree(tree, f)
		}
	}
	for {
		head, rest, more := strings.Cut(key, ".")
		f := tree.field(head)
		if f == nil {
			return nil, Position{}
		}
		if !more {
			return f.Value, f.Pos
		}
		tree, key = f.Value, rest
	}
}

// addToTree puts a top-level member into the tree of values, its key split at the dots. A value in the way that is no
// object keeps the member out, as in VS Code.
func addToTree(tree *Node, f Field) {
	for {
		head, rest, more := strings.Cut(f.Key, ".")
		if !more {
			tree.put(f)
			return
		}
		next := tree.Get(head)
		switch {
		case next == nil:
			next = &Node{Kind: Object, Pos: f.Pos}
		case next.Kind != Object:
			return
		default:
			next = next.copyObject()
		}
		tree.put(Field{Key: head, Pos: f.Pos, Value: next})
		tree, f.Key = next, rest
	}
}

// Lookup returns the effective value of a setting for the workspace folder with the given index; -1 is the window
// itself, without folder settings. A nil value is the default of the extension or of VS Code.
func (s *Settings) Lookup(key string, folder int) Setting {
	st := Setting{Key: key}
	if s == nil {
		return st
	}
	scope := s.scopeOf(key)
	for _, src := range s.sources(folder) {
		v, pos := src.at(key)
		if v == nil {
			continue
		}
		o := Origin{Layer: src.layer, Pos: pos, Value: v, Applied: true}
		if o.Why = s.refuse(src, key, scope); !o.Why.IsZero() {
			o.Applied = false
		} else {
			st.Value = merge(st.Value, v)
		}
		st.Trail = append(st.Trail, o)
	}
	return st
}

// FolderMatters returns the workspace folders whose own settings say something about a setting that counts. Where the
// Go extension passes no folder (gopls, installing tools), the folder of the file in front decides among them.
func (s *Settings) FolderMatters(key string) []int {
	var list []int
	for i, src := range s.folder {
		if v, _ := src.at(key); v != nil && s.refuse(src, key, s.scopeOf(key)).IsZero() {
			list = append(list, i)
		}
	}
	return list
}

// merge lays b over a: objects are merged key by key, everything else replaces (configurationModels.ts mergeContents).
func merge(a, b *Node) *Node {
	if a == nil || a.Kind != Object || b.Kind != Object {
		return b
	}
	m := a.copyObject()
	for _, f := range b.Fields {
		if old := m.Get(f.Key); old != nil {
			f.Value = merge(old, f.Value)
		}
		m.put(f)
	}
	return m
}

// refuse says why VS Code does not apply a value of a file, or the empty text if it does.
func (s *Settings) refuse(src *source, key string, scope scopeSet) msg.Text {
	if s.in.Untrusted && (src.layer == layer.SettingsWorkspace || src.layer == layer.SettingsFolder) && restricted(key) {
		return msg.New("not applied, the workspace is not trusted")
	}
	if scope == 0 || src.scopes&scope != 0 {
		return msg.Text{}
	}
	switch src.layer {
	case layer.SettingsUser:
		switch {
		case src == s.application:
			return msg.New("not applied, the settings profile %s is in use", s.Profile)
		case s.application != nil && scope&applicationScopes != 0:
			return msg.New("not applied in a settings profile, %s belongs to the settings.json of the default profile", key)
		}
		return msg.New("not applied in a remote window, %s belongs to the machine where the code is", key)
	case layer.SettingsRemote:
		return msg.New("not applied in the settings of a remote machine, %s belongs to the user settings", key)
	case layer.SettingsWorkspace:
		return msg.New("not applied in a workspace, %s belongs to the user settings", key)
	}
	return msg.New("not applied in a workspace folder, %s belongs to the workspace or user settings", key)
}

// Object returns the effective members of an object setting, merged key by key over all scopes, in the order of their
// first appearance. A member whose last origin is not applied in the end (because a stronger layer replaced the whole
// object by something else) is left out of the value but stays with Value nil.
func (s *Settings) Object(key string, folder int) []Member {
	return mergeMembers(s.Lookup(key, folder).Trail)
}

// mergeMembers returns the members of an object that the layers of a trail give together.
func mergeMembers(trail []Origin) []Member {
	var members []Member
	index := map[string]int{}
	for _, o := range trail {
		if o.Value.Kind != Object {
			if o.Applied {
				replaceAll(members, o)
			}
			continue
		}
		for _, f := range o.Value.Fields {
			i, ok := index[f.Key]
			if !ok {
				i = len(members)
				index[f.Key] = i
				members = append(members, Member{Key: f.Key})
			}
			members[i].add(Origin{Layer: o.Layer, Pos: f.Pos, Value: f.Value, Applied: o.Applied, Why: o.Why})
		}
	}
	return members
}

func (m *Member) add(o Origin) {
	m.Trail = append(m.Trail, o)
	if o.Applied {
		m.Value, m.Layer, m.Pos = merge(m.Value, o.Value), o.Layer, o.Pos
	}
}

// replaceAll takes away the values of all members because a stronger layer replaced the object.
func replaceAll(members []Member, by Origin) {
	for i := range members {
		m := &members[i]
		m.Value = nil
		for j := range m.Trail {
			m.Trail[j].Applied = false
			m.Trail[j].Why = msg.New("replaced by %s, which is no object", by.From())
		}
	}
}
