package host

// MaxHead is the number of bytes of the beginning of a file that [Head] returns at most: what tells a program's format
// and machine, or which interpreter a script is for.
const MaxHead = 512

// HeadReader is a [Host] that can read the beginning of a file without reading the rest.
type HeadReader interface {
	// ReadHead returns the first n bytes of a regular file, at most [MaxHead], and all of a file that is shorter. Its
	// errors are those of ReadFile, but a large file is none.
	ReadHead(name string, n int) ([]byte, error)
}

// Head returns the first n bytes of a regular file, at most [MaxHead], and all of a file that is shorter. A Host that
// is no [HeadReader] reads the whole file for it.
func Head(h Host, name string, n int) ([]byte, error) {
	if r, ok := h.(HeadReader); ok {
		return r.ReadHead(name, n)
	}
	data, err := h.ReadFile(name)
	return head(data, n), err
}

func head(data []byte, n int) []byte { return data[:min(len(data), max(n, 0), MaxHead)] }

// ReadHead implements [HeadReader].
func (c *cached) ReadHead(name string, n int) ([]byte, error) {
	data, err := askOnce(c, c.heads, name, func(name string) ([]byte, error) { return Head(c.Host, name, MaxHead) })
	return head(data, n), err
}

// ReadHead implements [HeadReader].
func (w *withFile) ReadHead(name string, n int) ([]byte, error) {
	if name == w.name {
		return head(w.data, n), nil
	}
	return Head(w.Host, name, n)
}

// ReadHead implements [HeadReader]. It records MaxHead bytes, so that a replay can answer for every n.
func (r *Recorder) ReadHead(name string, n int) ([]byte, error) {
	data, err := Head(r.host, name, MaxHead)
	kept := append(Content{}, data...)
	note(r, name, len(data), &kept, err, func(f *File) (**Content, **Failure, bool) {
		return &f.Head, &f.HeadErr, f.Head != nil
	})
	return head(data, n), err
}

// ReadHead implements [HeadReader].
func (f *Fixture) ReadHead(name string, n int) ([]byte, error) {
	return askThrough(f, "read", name, func(file *File) ([]byte, *Failure, bool) {
		switch {
		case file.Head != nil:
			return append([]byte{}, head(*file.Head, n)...), nil, true
		case file.HeadErr == nil && file.Content != nil:
			return append([]byte{}, head(*file.Content, n)...), nil, true
		}
		fail := file.failed(file.HeadErr, 0, "not a regular file")
		if fail == nil && file.ContentErr != nil && file.ContentErr.Kind != TooLarge {
			fail = file.ContentErr
		}
		return nil, fail, fail != nil
	})
}
