package store

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// IndexEntry says when a version came into the store.
type IndexEntry struct {
	Path      string
	Version   string
	Timestamp time.Time
}

// MaxIndex is how many entries [Index.Since] returns at most, as index.golang.org.
const MaxIndex = 2000

const (
	// indexDisorder is by how much a line may be older than one above it, because another process wrote that.
	indexDisorder = 10 * time.Second
	// indexLine is the longest line, in bytes.
	indexLine = 8 << 10
)

// Index is an append-only list of versions in the order in which they came, in a file of JSON lines as index.golang.org
// gives them. Several processes may append to the same one. Lines that a crash tore are passed over. All methods may be
// called concurrently.
type Index struct {
	file *os.File

	mu   sync.Mutex // guards last, and that appending happens in its order
	last time.Time
}

// OpenIndex opens the file index.jsonl in the folder root, and makes it if it is missing.
func OpenIndex(root string) (*Index, error) {
	f, err := os.OpenFile(filepath.Join(root, "index.jsonl"), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, noSpace(err)
	}
	x := &Index{file: f}
	if err := x.readLast(); err != nil {
		return nil, errors.Join(fmt.Errorf("read %s: %w", f.Name(), err), f.Close())
	}
	return x, nil
}

// Close closes the file.
func (x *Index) Close() error { return x.file.Close() }

// Append adds a version. The time noted is t, in microseconds, or a little later, so that each entry of this process is
// later than the one before. Append does not sync: the index can be made again from the store.
func (x *Index) Append(path, version string, t time.Time) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	t = t.UTC().Truncate(time.Microsecond)
	if !t.After(x.last) {
		t = x.last.Add(time.Microsecond)
	}
	line, err := json.Marshal(IndexEntry{path, version, t})
	if err != nil {
		return fmt.Errorf("version %s@%s: %w", path, version, err)
	}
	if path == "" || version == "" || len(line) >= indexLine {
		return fmt.Errorf("version %q@%q: %w", path, version, fs.ErrInvalid)
	}
	torn, err := x.torn()
	if err != nil {
		return err
	}
	if torn {
		line = append([]byte{'\n'}, line...)
	}
	// One write, so that lines of several processes do not mix.
	if _, err := x.file.Write(append(line, '\n')); err != nil {
		return noSpace(err)
	}
	x.last = t
	return nil
}

// torn tells whether the last line has no end: whoever wrote it crashed, or the disk was full.
func (x *Index) torn() (bool, error) {
	size, err := x.size()
	if err != nil || size == 0 {
		return false, err
	}
	var b [1]byte
	if _, err := x.file.ReadAt(b[:], size-1); err != nil {
		return false, err
	}
	return b[0] != '\n', nil
}

func (x *Index) size() (int64, error) {
	info, err := x.file.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// readLast sets last to the latest time near the end of the file.
func (x *Index) readLast() error {
	size, err := x.size()
	if err != nil {
		return err
	}
	r := x.lines(max(0, size-8*indexLine), size)
	for {
		e, _, err := r.next()
		if err != nil {
			return ignoreEOF(err)
		}
		if e.Timestamp.After(x.last) {
			x.last = e.Timestamp
		}
	}
}

// Since returns the entries from t on, in the order of time, but not more than limit; 0, or more than [MaxIndex], means
// MaxIndex. Entries with the time of the last one may follow: who wants all asks for that time again. If several
// processes append, an entry may come that is a few seconds older than others that were already given.
func (x *Index) Since(t time.Time, limit int) ([]IndexEntry, error) {
	if limit <= 0 || limit > MaxIndex {
		limit = MaxIndex
	}
	size, err := x.size()
	if err != nil {
		return nil, err
	}
	start, err := x.search(t.Add(-indexDisorder), size)
	if err != nil {
		return nil, err
	}
	var found []IndexEntry
	var latest time.Time
	r := x.lines(start, size)
	for {
		e, _, err := r.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if e.Timestamp.Before(t) {
			continue
		}
		// Beyond the limit too, as long as an entry can belong before those found.
		if len(found) >= limit && e.Timestamp.After(latest.Add(indexDisorder)) {
			break
		}
		if len(found) < limit && e.Timestamp.After(latest) {
			latest = e.Timestamp
		}
		found = append(found, e)
	}
	slices.SortStableFunc(found, func(a, b IndexEntry) int { return a.Timestamp.Compare(b.Timestamp) })
	return found[:min(limit, len(found))], nil
}

// search returns the offset of a line before which all are older than t plus the disorder.
func (x *Index) search(t time.Time, size int64) (int64, error) {
	low, high := int64(0), size // all lines before low are so; a line at high or behind is not needed
	for high-low > 2*indexLine {
		mid := low + (high-low)/2
		e, end, err := x.lines(mid, high).next()
		switch {
		case errors.Is(err, io.EOF):
			high = mid // no line begins in between
		case err != nil:
			return 0, err
		case e.Timestamp.Before(t):
			low = end
		default:
			high = mid
		}
	}
	return low, nil
}

// lines reads the lines that begin and end between two offsets. If a line begins before from, it is left out.
func (x *Index) lines(from, to int64) *indexLines {
	begin := max(0, from-1) // the end of the line before, if a line begins at from
	r := &indexLines{
		r:   bufio.NewReaderSize(io.NewSectionReader(x.file, begin, to-begin), indexLine),
		end: begin, skip: from > 0,
	}
	return r
}

// indexLines is a reader of entries.
type indexLines struct {
	r    *bufio.Reader
	end  int64 // offset behind what was read
	skip bool  // the rest of the line
}

// next returns the next entry and the offset behind it; io.EOF if there is none. It passes over what is no entry.
func (l *indexLines) next() (IndexEntry, int64, error) {
	for {
		line, err := l.r.ReadSlice('\n')
		l.end += int64(len(line))
		if errors.Is(err, bufio.ErrBufferFull) {
			l.skip = true
			continue
		}
		if err != nil {
			return IndexEntry{}, 0, err
		}
		skip := l.skip
		l.skip = false
		var e IndexEntry
		if !skip && bytes.HasPrefix(line, []byte("{")) && json.Unmarshal(line, &e) == nil && e.Path != "" && !e.Timestamp.IsZero() {
			return e, l.end, nil
		}
	}
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
